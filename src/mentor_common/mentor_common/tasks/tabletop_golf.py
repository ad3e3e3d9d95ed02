"""Tabletop golf (App. C): what its task file says of the hole and eq. 8."""

from __future__ import annotations

from dataclasses import dataclass

from mentor_common.tasks.reward_fields import LARGE, read_coefficients, require_axes
from mentor_common.tasks.task import Task

AXES = ("x", "y", "r")


@dataclass(frozen=True)
class GolfReward:
    """Eq. 8 with C6 (hole), C7 (out of bounds), C8 (club to ball), C9 (ball to hole), C10 (angle)
    and C11 (wrong side).

    Args:
        hole: (x, y) of the hole, normalised.
        hole_radius: distance from the hole's middle at which the ball is in, normalised.
        margin: the 0.05 of eq. 8, by which the club stays behind the ball.
        strike_penalty: the factor of I(strike), 1 in eq. 8.
    """

    coefficients: dict[str, float]
    hole: tuple[float, float]
    hole_radius: float
    margin: float
    strike_penalty: float


def golf_reward_of(task: Task) -> GolfReward:
    """Read the section ``reward`` of a task file.

    Raises:
        TaskError: it is refused.
    """
    fields = task.reward.fields
    require_axes(fields, task.workspace.names, AXES)
    coefficients = read_coefficients(fields, ("C6", "C7", "C8", "C9", "C10", "C11"))
    if len(task.rewarded_cameras) != 2:
        raise fields.refuse(
            "kind", task.reward.kind, "two cameras with rewarded: true, which see the ball"
        )
    hole = fields.section("hole")
    reward = GolfReward(
        coefficients,
        hole=(hole.number("x", -1.0, 1.0), hole.number("y", -1.0, 1.0)),
        hole_radius=hole.number("radius", 0.0, 1.0, above=True),
        margin=fields.number("margin", 0.0, 1.0),
        strike_penalty=fields.number("strike_penalty", 0.0, LARGE),
    )
    hole.end()
    fields.end()
    return reward
