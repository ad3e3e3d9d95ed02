"""Peg insertion (App. C): the task file's pegs, eq. 6 and success."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mentor_common.tasks.reward_fields import read_coefficients, require_axes
from mentor_common.tasks.task import Task

AXES = ("x", "y", "z", "r")
Float64 = npt.NDArray[np.float64]
PEG_STREAM = 0x9E6
"""Sets the choice of a peg apart from what else an episode's seed determines."""


@dataclass(frozen=True)
class Peg:
    """A peg: where it is inserted, normalised (x, y, z, r), and its place in the shelf."""

    name: str
    goal: dict[str, float]
    shelf_place: int


@dataclass(frozen=True)
class PegReward:
    """Eq. 6 with C1 (xy distance), C2 (height), C3 (angle), C4 (offset).

    Positions are normalised, in the order ``axes``; angles count in radians.

    Args:
        coefficients: C1 to C4.
        pegs: pegs of the task.
        max_distance: xy distance from the goal within which an insertion succeeds, normalised.
        max_height: the same for the height.
        max_angle: the same for the angle, radians.
        axes: names of the workspace's axes, in order.
        turn: radians that a unit of the axis r stands for.
    """

    coefficients: dict[str, float]
    pegs: tuple[Peg, ...]
    max_distance: float
    max_height: float
    max_angle: float
    axes: tuple[str, ...] = AXES
    turn: float = 1.0

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the pegs, in the order of the task file."""
        return tuple(peg.name for peg in self.pegs)

    def goal(self, name: str) -> Float64:
        """Return the taught goal of a peg, (axes,) normalised. Raises: ValueError."""
        for peg in self.pegs:
            if peg.name == name:
                return np.array([peg.goal[axis] for axis in self.axes])
        raise ValueError(f"peg '{name}' is none of the task's, {list(self.names)}")

    def terms(self, position: npt.ArrayLike, goal: npt.ArrayLike) -> dict[str, float]:
        """Return the terms of eq. 6, whose sum is the reward.

        Args:
            position: position of the end effector, (axes,) normalised.
            goal: where the peg is in, (axes,) normalised.

        Returns:
            ``distance``, ``height``, ``angle`` and ``offset``, each with the half of eq. 6.

        Raises:
            ValueError: the position or the goal is not finite, or lacks an axis.
        """
        distance, height, angle = self.errors(position, goal).values()
        c1, c2, c3, c4 = (self.coefficients[name] for name in ("C1", "C2", "C3", "C4"))
        return {
            "distance": 0.5 * (math.sqrt(2.0) - distance) * c1,
            "height": 0.5 * (2.0 - height) * c2,
            "angle": 0.5 * (math.pi / 2.0 - angle) * c3,
            "offset": -0.5 * c4,
        }

    def is_reached(self, position: npt.ArrayLike, goal: npt.ArrayLike) -> bool:
        """Return whether the end effector is as near to the goal as an inserted peg brings it.

        Args:
            position: position of the end effector, (axes,) normalised.
            goal: where the peg is in, (axes,) normalised.

        Raises:
            ValueError: the position or the goal is not finite, or lacks an axis.
        """
        distance, height, angle = self.errors(position, goal).values()
        near = distance <= self.max_distance and angle <= self.max_angle
        return near and height <= self.max_height

    def errors(self, position: npt.ArrayLike, goal: npt.ArrayLike) -> dict[str, float]:
        """Return how far a position is from the goal.

        Args:
            position: position of the end effector, (axes,) normalised.
            goal: where the peg is in, (axes,) normalised.

        Returns:
            ``distance_error`` in xy and ``height_error``, normalised, and ``angle_error``, radians.

        Raises:
            ValueError: the position or the goal is not finite, or lacks an axis.
        """
        places = {
            "position": np.asarray(position, np.float64),
            "goal": np.asarray(goal, np.float64),
        }
        for name, place in places.items():
            if place.shape != (len(self.axes),) or not np.isfinite(place).all():
                raise ValueError(
                    f"{name} {place.tolist()}: {len(self.axes)} finite numbers are needed, on the "
                    f"axes {list(self.axes)}"
                )
        difference = places["position"] - places["goal"]
        x, y, z, r = (float(difference[self.axes.index(axis)]) for axis in AXES)
        return {
            "distance_error": math.hypot(x, y),
            "height_error": abs(z),
            "angle_error": abs(math.remainder(self.turn * r, 2.0 * math.pi)),
        }


def draw_peg(names: Sequence[str], episodes: Mapping[str, int], random: np.random.Generator) -> str:
    """Return the peg of the next episode: one of those that had the fewest episodes so far.

    Args:
        names: the pegs to choose from.
        episodes: how many each has had; none for a peg that is missing.
        random: source of the draw.
    """
    fewest = min(episodes.get(name, 0) for name in names)
    due = [name for name in names if episodes.get(name, 0) == fewest]
    return due[int(random.integers(len(due)))]


def peg_of_seed(names: Sequence[str], seed: int) -> str:
    """Return the peg of a seeded episode: successive seeds have each peg equally often.

    Each block of as many seeds as there are pegs, from a multiple of their number on, has every peg
    once, in an order that the block determines.

    Args:
        names: the pegs to choose from.
        seed: seed of the episode, at least 0.
    """
    block, turn = divmod(seed, len(names))
    order = np.random.default_rng([block, PEG_STREAM]).permutation(len(names))
    return names[int(order[turn])]


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
        axes=axes,
        turn=float(task.workspace.high[axes.index("r")] - task.workspace.low[axes.index("r")]) / 2,
    )
    success.end()
    fields.end()
    return reward
