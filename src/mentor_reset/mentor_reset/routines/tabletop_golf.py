"""The reset of tabletop golf (App. C.4), first form: go to the start."""

from __future__ import annotations

from mentor_common.tasks.reset_routine import (
    BEGIN_EPISODE,
    Move,
    Parts,
    ResetContext,
    ResetRoutine,
    Rest,
)
from mentor_common.tasks.task import Task


class TabletopGolfReset(ResetRoutine):
    """Goes to the start."""

    stages = ("move_to_start", "wait_until_still")

    def __init__(self, task: Task) -> None:
        task.reset.settings.end()
        self._still = (task.reset.still_time, task.reset.still_distance)

    def parts(self, context: ResetContext) -> Parts:
        """Begin an attempt."""
        yield Move("move_to_start", context.start)
        yield Rest("wait_until_still", *self._still)
        yield Move(BEGIN_EPISODE, context.start, begins_episode=True)
