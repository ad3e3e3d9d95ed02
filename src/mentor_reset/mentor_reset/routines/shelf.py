"""The shelf of the peg insertion cell, as the section `reset.settings` of its task describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mentor_common.tasks.peg_insertion import AXES, peg_reward_of
from mentor_common.tasks.task import Task

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shelf:
    """A shelf with a place for each peg; positions are normalised, (x, y, z, r) in `axes`.

    Args:
        axes: names of the workspace's axes, in order.
        lift: height at which a peg is carried.
        places: for each peg where the hand grasps it, (axes,).
        numbers: for each peg the number of its place, for people.
        grips: for each peg the width of the block that the fingers hold, metres.
        open_width: between the fingers of an open hand, metres.
        force: force of a grasp, N.
        retries: how often a peg is tried to be taken before a person is asked for help.
        help_timeout: seconds of wall time in which the person must answer.
    """

    axes: tuple[str, ...]
    lift: float
    places: Mapping[str, Float64]
    numbers: Mapping[str, int]
    grips: Mapping[str, float]
    open_width: float
    force: float
    retries: int
    help_timeout: float

    def above(self, position: npt.ArrayLike) -> Float64:
        """Return the position at carrying height over another one, within the workspace."""
        raised = np.array(position, np.float64)
        raised[self.axes.index("z")] = self.lift
        return np.clip(raised, -1.0, 1.0)

    def over(self, peg: str) -> Float64:
        """Return where the hand is over a peg's place, at carrying height."""
        return self.above(self.places[peg])

    def in_place(self, peg: str) -> Float64:
        """Return where the hand grasps a peg in its place."""
        return self.places[peg]

    def place(self, peg: str) -> int:
        """Return the number of a peg's place."""
        return self.numbers[peg]


def read_shelf(task: Task) -> Shelf:
    """Read the section ``reset.settings`` of a task file.

    Raises:
        TaskError: it is refused.
    """
    settings, axes = task.reset.settings, task.workspace.names
    pegs = peg_reward_of(task).pegs
    places, grips = {}, {}
    section = settings.section("shelf")
    for peg in pegs:
        fields = section.section(peg.name)
        place = {axis: fields.number(axis, -1.0, 1.0) for axis in AXES}
        places[peg.name] = np.array([place[axis] for axis in axes])
        grips[peg.name] = fields.number("grip", 0.0, 0.08, above=True)
        fields.end()
    section.end()
    shelf = Shelf(
        axes,
        settings.number("lift", -1.0, 1.0),
        places,
        {peg.name: peg.shelf_place for peg in pegs},
        grips,
        open_width=settings.number("open_width", 0.0, 0.08, above=True),
        force=settings.number("force", 0.0, 70.0, above=True),
        retries=settings.integer("retries", 1, 10),
        help_timeout=settings.number("help_timeout", 0.0, 86400.0, above=True),
    )
    settings.end()
    return shelf
