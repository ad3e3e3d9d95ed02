"""The reset of cable routing (App. C.4): back to the start, with the cable lifted out."""

from __future__ import annotations

import numpy as np

from mentor_common.tasks.reset_routine import (
    BEGIN_EPISODE,
    Move,
    Parts,
    ResetContext,
    ResetRoutine,
    Rest,
)
from mentor_common.tasks.task import Task


class CableRoutingReset(ResetRoutine):
    """Releases the cable's tension, lifts it, goes to the start, waits until all is still.

    Args:
        task: its section ``reset.settings`` has ``lift``: height above the place where the episode
            ended, normalised z.

    Raises:
        TaskError: the section is refused, or the workspace has no axis z.
    """

    stages = ("release_tension", "lift", "move_to_start", "wait_until_still")

    def __init__(self, task: Task) -> None:
        names, settings = task.workspace.names, task.reset.settings
        self._lift = settings.number("lift", 0.0, 2.0)
        if "z" not in names:
            raise settings.refuse("lift", self._lift, "a workspace with the axis z")
        settings.end()
        self._height = names.index("z")
        self._still = (task.reset.still_time, task.reset.still_distance)

    def parts(self, context: ResetContext) -> Parts:
        """Begin an attempt."""
        released = yield Move("release_tension", movement="release_tension")
        raised = np.array(context.start if released.position is None else released.position, float)
        raised[self._height] += self._lift
        yield Move("lift", np.clip(raised, -1.0, 1.0))
        yield Move("move_to_start", context.start)
        yield Rest("wait_until_still", *self._still)
        yield Move(BEGIN_EPISODE, context.start, begins_episode=True)
