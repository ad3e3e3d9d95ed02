"""How far an actor may run ahead of its learner."""

from __future__ import annotations

import time

from mentor_policy.training.schedule import Schedule

STALLED = 30.0
"""Seconds without an update by the learner after which an actor no longer waits for it."""
STARTING = 120.0
"""Seconds for which an actor waits for a learner that has never been there."""


class Pace:
    """Decides whether an actor may begin an episode, or waits for the learner to catch up.

    Args:
        schedule: schedule of the run, as the learner has it: the cap on updates.
        behind: updates that the weights in use may lack; 0: any number, nothing is waited for.
    """

    def __init__(self, schedule: Schedule, behind: int) -> None:
        self._schedule = schedule
        self._behind = behind
        self._newest: dict[str, int] = {}
        self._progressed = time.monotonic()

    def owed(self, steps: int, update: int) -> int:
        """Return the updates that ``steps`` allow and weights of ``update`` updates lack."""
        return max(0, self._schedule.updates_allowed(steps) - update)

    def progress(self, update: int, source: str) -> None:
        """Note the learner's count of updates.

        Args:
            update: number of updates.
            source: where it is from, e.g. "weights"; each lags behind by another time.
        """
        if update != self._newest.get(source):
            self._newest[source], self._progressed = update, time.monotonic()

    def restart(self) -> None:
        """Give the learner its time again: the actor begins to wait."""
        self._progressed = time.monotonic()

    def may_begin(self, steps: int, update: int) -> bool:
        """Return whether an episode may begin after these steps, on weights of these updates."""
        return not self._behind or self.owed(steps, update) <= self._behind

    def stalled(self, patience: float = STALLED) -> bool:
        """Return whether the learner has done no update for so long that waiting is no use.

        Args:
            patience: seconds.
        """
        return time.monotonic() - self._progressed > patience
