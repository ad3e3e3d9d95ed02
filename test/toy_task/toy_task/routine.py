"""The reset: open the gripper, go to the start, count the episodes."""

from __future__ import annotations

from mentor_common.tasks.reset_routine import (
    BEGIN_EPISODE,
    Grip,
    Move,
    Parts,
    ResetContext,
    ResetRoutine,
    Rest,
    Save,
    Wait,
)
from mentor_common.tasks.task import Task


class ToyReset(ResetRoutine):
    """Uses every kind of part but a person's help."""

    stages = ("open", "wait", "move_to_start", "rest", "count")

    def __init__(self, task: Task) -> None:
        settings = task.reset.settings
        self._width = settings.number("open_width", 0.0, 0.1)
        settings.end()
        self._still = (task.reset.still_time, task.reset.still_distance)
        self._checks = 0

    def parts(self, context: ResetContext) -> Parts:
        """Begin an attempt."""
        opened = yield Grip("open", "release", width=self._width)
        yield Wait("wait", self._every_third_time, 5.0, "the third check")
        yield Move("move_to_start", context.start)
        yield Rest("rest", *self._still)
        yield Save("count", {"episodes": context.saved.get("episodes", 0) + 1})
        gripper = "closed" if opened.grasped else "open"
        yield Move(BEGIN_EPISODE, context.start, begins_episode=True, options={"gripper": gripper})

    def _every_third_time(self) -> bool:
        self._checks += 1
        return self._checks % 3 == 0
