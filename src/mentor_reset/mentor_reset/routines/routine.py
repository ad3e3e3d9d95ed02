"""The reset routines as sequences of moves and waits (App. C.4), free of ROS."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np

from mentor_common.tasks.task import Reset

BEGIN = "begin_episode"
"""Name of the last stage of every routine: the move that begins the episode."""


@dataclass(frozen=True)
class Move:
    """A move of the end effector, answered with the normalised position that was reached.

    Args:
        stage: name of the stage to which it belongs.
        target: normalised, shape (axes,); None: stay.
        routine: a movement that the body itself knows; empty: a plain move.
        begins_episode: whether the episode begins where it ends.
    """

    stage: str
    target: np.ndarray | None = None
    routine: str = ""
    begins_episode: bool = False


@dataclass(frozen=True)
class Rest:
    """A wait until nothing moves.

    Args:
        stage: name of the stage to which it belongs.
        seconds: for how long nothing may move.
        distance: what counts as not moving, normalised.
    """

    stage: str
    seconds: float
    distance: float


Part = Move | Rest
Routine = Generator[Part, np.ndarray, None]
"""Yields its parts; is sent the normalised position (axes,) in which each one ended."""


def cable_routing(reset: Reset, axes: Sequence[str], start: np.ndarray) -> Routine:
    """App. C.4: releases the cable's tension, lifts it out of the slots, goes to the start, waits.

    Args:
        reset: the task's section.
        axes: names of the workspace's axes.
        start: where the episode begins, normalised, shape (axes,).
    """
    lift = reset.settings.number("lift", 0.0, 2.0)
    reset.settings.end()
    position = yield Move("release_tension", routine="release_tension")
    raised = np.array(position, np.float64)
    raised[list(axes).index("z")] += lift
    yield Move("lift", np.clip(raised, -1.0, 1.0))
    yield Move("move_to_start", start)
    yield Rest("wait_until_still", reset.still_time, reset.still_distance)
    yield Move(BEGIN, start, begins_episode=True)


STAGES = ("release_tension", "lift", "move_to_start", "wait_until_still")
ROUTINES: dict[str, Callable[[Reset, Sequence[str], np.ndarray], Routine]] = {
    "cable_routing": cable_routing,
}


def make_routine(reset: Reset, axes: Sequence[str], start: np.ndarray) -> Routine:
    """The routine that a task names.

    Raises:
        ValueError: it is not written yet.
    """
    check_routine(reset)
    return ROUTINES[reset.routine](reset, axes, start)


def check_routine(reset: Reset) -> None:
    """Raises ValueError for a routine that is not written yet."""
    if reset.routine not in ROUTINES:
        raise ValueError(f"reset routine '{reset.routine}' is unknown; known: {sorted(ROUTINES)}")


def progress_of(stage: str, stages: Sequence[str]) -> float:
    """Share of the routine that is done when ``stage`` begins, 0 to 1."""
    order = [*stages, BEGIN]
    return order.index(stage) / len(order) if stage in order else 0.0
