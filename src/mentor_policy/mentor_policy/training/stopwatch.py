"""A stopwatch that any thread may read while it runs."""

from __future__ import annotations

import time


class Stopwatch:
    """Measures the time inside its ``with`` blocks; a block that has not ended counts so far."""

    def __init__(self) -> None:
        self._state: tuple[float, float | None] = (0.0, None)  # seconds before; since when now

    @property
    def seconds(self) -> float:
        """Wall time inside the blocks so far."""
        done, began = self._state
        return done if began is None else done + time.monotonic() - began

    def __enter__(self) -> Stopwatch:
        self._state = (self._state[0], time.monotonic())
        return self

    def __exit__(self, *_: object) -> None:
        self._state = (self.seconds, None)


class IdleShare:
    """Share of the time between two readings in which a stopwatch did not run.

    Args:
        clock: to read.
    """

    def __init__(self, clock: Stopwatch) -> None:
        self._clock = clock
        self._before = (time.monotonic(), clock.seconds)

    def read(self) -> float:
        """Return the share since the last reading, 0 to 1."""
        before, now = self._before, (time.monotonic(), self._clock.seconds)
        self._before = now
        passed, worked = now[0] - before[0], now[1] - before[1]
        return min(1.0, max(0.0, 1.0 - worked / passed)) if passed > 0.0 else 1.0
