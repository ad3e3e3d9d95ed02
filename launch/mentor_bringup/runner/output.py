"""Lines of many processes on one screen, each with the name of its process before it."""

from __future__ import annotations

import codecs
import sys
import time
from collections import deque
from typing import TextIO

_REDRAW_SECONDS = 5.0


class Screen:
    """Where all processes print. A redrawn progress bar stays one line on a terminal.

    Where the output is no terminal, a redrawn line is printed again at most every few seconds.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._terminal = self._stream.isatty()
        self._redrawn: tuple[str, str] | None = None  # prefix and text of the line to be drawn over
        self._printed_at: dict[str, float] = {}

    def line(self, text: str) -> None:
        """Print a line."""
        if self._redrawn is None:
            self._write(f"{text}\n")
        else:
            self._write(f"\r\x1b[K{text}\n{''.join(self._redrawn)}")

    def redraw(self, prefix: str, text: str) -> None:
        """Draw a line that is about to be drawn over."""
        if self._terminal:
            self._redrawn = (prefix, text)
            self._write(f"\r\x1b[K{prefix}{text}")
        elif time.monotonic() - self._printed_at.get(prefix, 0.0) > _REDRAW_SECONDS:
            self._printed_at[prefix] = time.monotonic()
            self._write(f"{prefix}{text}\n")

    def forget(self, prefix: str) -> None:
        """Wipe the redrawn line of this process: its last drawing comes as a line."""
        if self._redrawn is not None and self._redrawn[0] == prefix:
            self._redrawn = None
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (BrokenPipeError, OSError):
            pass  # the reader of the output is gone; the launch continues


class Lines:
    """Cuts what a process prints into lines; remembers the last ones."""

    def __init__(self, prefix: str, screen: Screen, remembered: deque[str], shown: bool) -> None:
        self._prefix, self._screen, self._remembered = prefix, screen, remembered
        self._shown = shown
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes) -> None:
        """Take what came, show the whole lines of it."""
        text = self._rest + self._decoder.decode(data).replace("\r\n", "\n")
        *lines, self._rest = text.split("\n")
        for line in lines:
            self._whole(line)
        if "\r" in self._rest:
            # The newest drawing stands after the last \r, or before it if nothing does.
            drawings = [part for part in self._rest.split("\r") if part.strip()]
            if drawings and self._shown:
                self._screen.redraw(self._prefix, drawings[-1])
            self._rest = "\r" + self._rest.rpartition("\r")[2]

    def end(self) -> None:
        """Show what came without an end of line."""
        if self._rest.strip():
            self._whole(self._rest)
        self._rest = ""

    def _whole(self, line: str) -> None:
        if "\r" in line:
            line = next((part for part in reversed(line.split("\r")) if part.strip()), "")
            if self._shown:
                self._screen.forget(self._prefix)
        self._remembered.append(line)
        if self._shown:
            self._screen.line(f"{self._prefix}{line}")
