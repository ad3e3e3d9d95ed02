"""A request to a person, and the answer."""

from __future__ import annotations

import threading


class HelpRequest:
    """At most one request is open; it is answered from another thread."""

    def __init__(self) -> None:
        self._answered = threading.Event()
        self.text = ""
        """What is asked for; empty: nothing."""

    def open(self, text: str) -> None:
        """Ask for something."""
        self._answered.clear()
        self.text = text

    def close(self) -> None:
        """Ask for nothing any more."""
        self.text = ""

    def answer(self) -> str:
        """Note that it is done; return what was asked for, empty if nothing was."""
        text = self.text
        if text:
            self._answered.set()
        return text

    def wait(self, seconds: float) -> bool:
        """Return whether the answer is there, or comes within ``seconds``."""
        return self._answered.wait(seconds)
