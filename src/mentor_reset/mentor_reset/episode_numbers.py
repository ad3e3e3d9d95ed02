"""Numbers of episodes, unique for ever."""

from __future__ import annotations

import time
from collections.abc import Callable


class EpisodeNumbers:
    """Counts up from the wall time in milliseconds, so that a restarted server repeats none."""

    def __init__(self, wall_time: Callable[[], float] = time.time) -> None:
        self._next = int(wall_time() * 1000)

    def next(self) -> int:
        """The number of a new episode."""
        number = self._next
        self._next += 1
        return number
