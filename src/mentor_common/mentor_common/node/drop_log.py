"""Log lines about dropped messages, once a second at most."""

from __future__ import annotations

import time
from collections.abc import Callable

Log = Callable[[str], object]
"""Writes a line."""


class DropLog:
    """Names what was dropped without becoming a flood itself.

    Args:
        log: writes a line, e.g. the warning method of a logger. The client library permits one
            severity for each line of code that logs: a process that has drop logs of two gives a
            function of its own for the second.
        period: seconds of wall time between two lines at least.
    """

    def __init__(self, log: Log, period: float = 1.0) -> None:
        self._log, self._period = log, period
        self._unnamed = 0
        self._logged = -period

    def note(self, text: str, count: int = 1) -> None:
        """Log the text about so many messages, or count them for the next line if the last one is
        too young."""
        now = time.monotonic()
        if now - self._logged < self._period:
            self._unnamed += count
            return
        unnamed = self._unnamed + count - 1
        more = f" ({unnamed} more before it)" if unnamed else ""
        self._log(f"{text}{more}")
        self._logged, self._unnamed = now, 0
