"""Pauses before something that failed is tried again."""

from __future__ import annotations

import time
from collections.abc import Callable

PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds before the first retry, the second, ...; the last one holds for all that follow."""


class Backoff:
    """Waits longer after each failure in a row."""

    def __init__(self) -> None:
        self._failures = 0

    def reset(self) -> None:
        """Begin again with the shortest pause: it worked."""
        self._failures = 0

    def wait(self, stop: Callable[[], bool]) -> None:
        """Wait before the next try, until ``stop`` is True at the latest."""
        until = time.monotonic() + PAUSES[min(self._failures, len(PAUSES) - 1)]
        self._failures += 1
        while time.monotonic() < until and not stop():
            time.sleep(0.05)
