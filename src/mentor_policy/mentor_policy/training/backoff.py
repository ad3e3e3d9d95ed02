"""Pauses before something that failed is tried again."""

from __future__ import annotations

import time
from collections.abc import Callable

PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds before the first retry, the second, ...; the last one holds for all that follow."""

ANSWERS = 20
"""Failures in a row that the environment itself reports, after which no more is tried."""


class GivenUpError(RuntimeError):
    """Something failed too often in a row; names the last reason."""

    for_person = True
    """Whether the text is made for the person: no traceback is needed."""


class FruitlessEpisodeError(RuntimeError):
    """An episode ended in a fault before any step that may be learned from; says why."""

    answered = True


class Backoff:
    """Waits longer after each failure in a row."""

    def __init__(self) -> None:
        self._failures = self._answers = 0

    def reset(self) -> None:
        """Start again with the shortest pause: it worked."""
        self._failures = self._answers = 0

    def wait(self, stop: Callable[[], bool], error: Exception | None = None) -> None:
        """Wait before the next try, until ``stop`` is True at the latest.

        Args:
            stop: polled.
            error: error of the last try. A peer that is away is waited for without end; an
                environment that answers that it cannot (``error.answered``) is asked ``ANSWERS``
                times.

        Raises:
            GivenUpError: it has answered so for the last time.
        """
        self._answers = self._answers + 1 if getattr(error, "answered", False) else 0
        if self._answers >= ANSWERS:
            raise GivenUpError(
                f"given up after {self._answers} failures in a row, the last one: {error}. When "
                "its reason is gone, give the same command again"
            ) from error
        until = time.monotonic() + PAUSES[min(self._failures, len(PAUSES) - 1)]
        self._failures += 1
        while time.monotonic() < until and not stop():
            time.sleep(0.05)
