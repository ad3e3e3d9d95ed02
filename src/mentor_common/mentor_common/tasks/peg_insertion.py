"""Peg insertion (App. C): what its task file says of pegs, eq. 6 and success."""

from __future__ import annotations

from dataclasses import dataclass

from mentor_common.tasks.reward_fields import read_coefficients, require_axes
from mentor_common.tasks.task import Task

AXES = ("x", "y", "z", "r")


@dataclass(frozen=True)
class Peg:
    """A peg: where it is inserted, normalised (x, y, z, r), and its place in the shelf."""

    name: str
    goal: dict[str, float]
    shelf_place: int


@dataclass(frozen=True)
class PegReward:
    """Eq. 6 with C1 (xy distance), C2 (height), C3 (angle), C4 (offset).

    An insertion succeeds within ``max_distance`` (xy), ``max_height`` (both normalised) and
    ``max_angle`` (radians) of the goal.
    """

    coefficients: dict[str, float]
    pegs: tuple[Peg, ...]
    max_distance: float
    max_height: float
    max_angle: float


def peg_reward_of(task: Task) -> PegReward:
    """Read the section ``reward`` of a task file.

    Raises:
        TaskError: it is refused.
    """
    fields, axes = task.reward.fields, task.workspace.names
    require_axes(fields, axes, AXES)
    coefficients = read_coefficients(fields, ("C1", "C2", "C3", "C4"))
    pegs: list[Peg] = []
    section = fields.section("pegs")
    if not section.names_of_keys():
        raise fields.refuse("pegs", {}, "at least one peg, by its name")
    for name in section.names_of_keys():
        peg = section.section(name)
        goal_fields = peg.section("goal")
        goal = {axis: goal_fields.number(axis, -1.0, 1.0) for axis in axes}
        goal_fields.end()
        place = peg.integer("shelf_place", 0, 99)
        if place in [other.shelf_place for other in pegs]:
            raise peg.refuse("shelf_place", place, "a place that no other peg has")
        pegs.append(Peg(name, goal, place))
        peg.end()
    success = fields.section("success")
    reward = PegReward(
        coefficients,
        tuple(pegs),
        max_distance=success.number("max_distance", 0.0, 1.0, above=True),
        max_height=success.number("max_height", 0.0, 1.0, above=True),
        max_angle=success.number("max_angle", 0.0, 3.2, above=True),
    )
    success.end()
    fields.end()
    return reward
