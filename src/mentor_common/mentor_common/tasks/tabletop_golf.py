"""Tabletop golf (App. C): the court, the reward of eq. 8, and success."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mentor_common.tasks.golf_court import BallPlace, Court, Rectangle
from mentor_common.tasks.reward_fields import LARGE, read_coefficients, require_axes
from mentor_common.tasks.task import Task
from mentor_common.tasks.workspace import Workspace
from mentor_common.tasks.yaml_fields import Fields, TaskError

KIND = "tabletop_golf"
AXES = ("x", "y", "r")
LIGHT_SENSOR, MOTOR = "light_sensor", "collector_motor"
"""Devices of the ball collector, by whose names a simulated one and the mock pins exchange
signals."""
BALL_PLACE, BALL_LOST = "ball_place", "ball_lost"
"""States of the reward that the reset reads: a BallPlace, and 1 if the court cameras have not seen
the ball for too long."""
FARTHEST = 3.0
"""Metres; bound of every place on the court."""


@dataclass(frozen=True)
class GolfReward:
    """Eq. 8 with C6 (hole), C7 (out of bounds), C8 (club to ball), C9 (ball to hole), C10 (angle)
    and C11 (wrong side), with a task file's values.

    Places are normalised by the court's size (C.2): its borders lie at -1 and 1.

    Args:
        coefficients: C6 to C11 by name.
        court: in metres.
        workspace: bounds of the club's angle, and of its pose as the arm reports it.
        margin: the 0.05 of eq. 8, by which the club stays behind the ball.
        strike_penalty: the factor of I(strike), 1 in eq. 8.
        last_steps: steps of an episode after the one at whose end the ball has left the court.
    """

    coefficients: dict[str, float]
    court: Court
    workspace: Workspace
    margin: float
    strike_penalty: float
    last_steps: int

    def terms(
        self, club: npt.ArrayLike, ball: npt.ArrayLike, struck: bool, place: BallPlace
    ) -> dict[str, float]:
        """Return the terms of eq. 8, whose sum is the reward.

        Args:
            club: pose (x, y, r) of the club, normalised over the workspace, (3,).
            ball: place (x, y) of the ball, metres, (2,); in the hole it counts as its middle.
            struck: whether the action was a strike.
            place: where the ball is.

        Returns:
            `club_to_ball`, `ball_to_hole`, `strike`, `angle`, `wrong_side`, `hole` and
            `out_of_bounds`.

        Raises:
            ValueError: a number that is not finite, or too few or too many of them.
        """
        pose, at = np.asarray(club, np.float64), np.asarray(ball, np.float64)
        if pose.shape != (3,) or at.shape != (2,) or not np.isfinite([*pose, *at]).all():
            raise ValueError(f"eq. 8 of club {pose.tolist()} and ball {at.tolist()}")
        if place is BallPlace.IN_HOLE:
            at = np.asarray(self.court.hole)
        c = self.coefficients
        turn = abs(self.best_angle(at) - float(pose[2]))
        behind = self.on_court(self.workspace.to_metric(pose)[:2])
        lies, hole = self.on_court(at), self.on_court(self.court.hole)
        ahead = max(0.0, float(lies[1] - behind[1]) + self.margin)
        return {
            "club_to_ball": (2.0 - float(np.linalg.norm(behind - lies))) * c["C8"],
            "ball_to_hole": (2.0 - float(np.linalg.norm(lies - hole))) * c["C9"],
            "strike": -self.strike_penalty * float(struck),
            "angle": (2.0 - turn) * c["C10"],
            "wrong_side": -ahead * c["C11"],
            "hole": c["C6"] * float(place is BallPlace.IN_HOLE),
            "out_of_bounds": -c["C7"] * float(place is BallPlace.OUT),
        }

    def best_angle(self, ball: npt.ArrayLike) -> float:
        """Return theta_best of eq. 8 for a ball at (x, y), metres; normalised, within [-1, 1]."""
        x, y = np.asarray(ball, np.float64)
        low, high = (self._bound(side, "r") for side in ("low", "high"))
        _, angle = self.court.best_way((float(x), float(y)))
        return float(np.clip((angle - low) / (high - low) * 2.0 - 1.0, -1.0, 1.0))

    def on_court(self, place: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Normalise a place (x, y) in metres: the borders lie at -1 and 1."""
        low, high = np.array(self.court.inside.low), np.array(self.court.inside.high)
        return np.asarray((np.asarray(place, np.float64) - low) / (high - low) * 2.0 - 1.0)

    def _bound(self, side: str, name: str) -> float:
        return float(getattr(self.workspace.axes[self.workspace.names.index(name)], side))


def golf_reward_of(task: Task) -> GolfReward:
    """Read the section ``reward`` of a task file.

    Raises:
        TaskError: it is refused.
    """
    fields = task.reward.fields
    require_axes(fields, task.workspace.names, AXES)
    coefficients = read_coefficients(fields, ("C6", "C7", "C8", "C9", "C10", "C11"))
    if None not in task.deltas:
        names = [dimension.name for dimension in task.action]
        raise TaskError(
            f"task file {task.file}: key 'action': dimensions {names} are refused; allowed: one "
            "dimension of kind strike"
        )
    if len(task.rewarded_cameras) != 2:
        raise fields.refuse(
            "kind", task.reward.kind, "two cameras with rewarded: true, which see the ball"
        )
    reward = GolfReward(
        coefficients,
        court=_read_court(fields),
        workspace=task.workspace,
        margin=fields.number("margin", 0.0, 1.0),
        strike_penalty=fields.number("strike_penalty", 0.0, LARGE),
        last_steps=fields.integer("last_steps", 0, 1000),
    )
    fields.end()
    return reward


def _read_court(fields: Fields) -> Court:
    inside = _read_rectangle(fields, "court")
    section = fields.section("hole")
    hole = (section.number("x", -FARTHEST, FARTHEST), section.number("y", -FARTHEST, FARTHEST))
    court = Court(
        inside,
        hole,
        section.number("radius", 0.0, 1.0, above=True),
        _read_rectangle(fields, "water"),
        fields.number("ball_radius", 0.0, 0.1, above=True),
    )
    section.end()
    bounds, water = _shown(inside), court.water
    if inside.depth(hole) < court.hole_radius:
        shown = {"x": hole[0], "y": hole[1], "radius": court.hole_radius}
        raise fields.refuse("hole", shown, f"a hole inside the court, {bounds}")
    if min(inside.depth(water.low), inside.depth(water.high)) <= 0.0:
        raise fields.refuse("water", _shown(water), f"a hazard inside the court, {bounds}")
    if water.depth(hole) > -court.hole_radius:
        allowed = f"a hazard clear of the hole of radius {court.hole_radius:g} at {list(hole)}"
        raise fields.refuse("water", _shown(water), allowed)
    return court


def _shown(rectangle: Rectangle) -> dict[str, list[float]]:
    """Return a rectangle as the task file has it."""
    (x0, y0), (x1, y1) = rectangle.low, rectangle.high
    return {"x": [x0, x1], "y": [y0, y1]}


def _read_rectangle(fields: Fields, key: str) -> Rectangle:
    section = fields.section(key)
    (x0, x1), (y0, y1) = (section.interval(axis, -FARTHEST, FARTHEST) for axis in ("x", "y"))
    section.end()
    for axis, ends in (("x", [x0, x1]), ("y", [y0, y1])):
        if ends[0] == ends[1]:
            raise section.refuse(axis, ends, "two different numbers")
    return Rectangle((x0, y0), (x1, y1))
