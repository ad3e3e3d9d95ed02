"""A request to a person, and the answer."""

from __future__ import annotations

import math
import threading
import time

REPEATED = 3.0
"""Seconds after an answer in which another one counts as the same, sent again: whoever receives no
response calls again after 2 s (mentor_bringup.call), when the next request may be open already."""


class HelpRequest:
    """At most one request is open; it is answered from another thread."""

    def __init__(self) -> None:
        self._answered = threading.Event()
        self._answered_at = -math.inf
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
        """Note that it is done; return what was asked for, empty if nothing was.

        An answer that comes within REPEATED of the last one answers nothing.
        """
        text, now = self.text, time.monotonic()
        if not text or now - self._answered_at < REPEATED:
            return ""
        self._answered_at = now
        self._answered.set()
        return text

    def wait(self, seconds: float) -> bool:
        """Return whether the answer is there, or comes within ``seconds``."""
        return self._answered.wait(seconds)
