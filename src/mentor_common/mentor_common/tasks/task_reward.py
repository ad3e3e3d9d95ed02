"""The reward section of a task file: coefficients C1 to C11 of Table 3 and what they apply to."""

from __future__ import annotations

from dataclasses import dataclass

from mentor_common.tasks.yaml_fields import Fields

LARGE = 1000.0
SLOT_CLASSES = {
    "slot_1": ("outside", "side", "above", "inside"),
    "slot_2": (
        "outside", "side", "partially_above", "above_edge", "above_middle",
        "partially_inside", "fully_inside",
    ),
}  # fmt: skip
"""States of the cable at each slot, from farthest to fully inside (eq. 7)."""


@dataclass(frozen=True)
class Slot:
    """One slot of eq. 7.

    Args:
        name: slot_1 or slot_2.
        camera: the camera whose images are classified.
        classes: the states, from outside to inside.
        rewards: the reward of each state, same order.
        success: the state that counts as success.
    """

    name: str
    camera: str
    classes: tuple[str, ...]
    rewards: tuple[float, ...]
    success: str


@dataclass(frozen=True)
class CableReward:
    """Eq. 7: r_slot1 + [r_slot1 >= threshold] (r_slot2 + bonus), bonus = C5."""

    kind: str
    coefficients: dict[str, float]
    slots: tuple[Slot, ...]
    threshold: float

    @property
    def bonus(self) -> float:
        """C5."""
        return self.coefficients["C5"]


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

    kind: str
    coefficients: dict[str, float]
    pegs: tuple[Peg, ...]
    max_distance: float
    max_height: float
    max_angle: float


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

    kind: str
    coefficients: dict[str, float]
    hole: tuple[float, float]
    hole_radius: float
    margin: float
    strike_penalty: float


Reward = CableReward | PegReward | GolfReward
COEFFICIENTS = {
    "cable_routing": ("C5",),
    "peg_insertion": ("C1", "C2", "C3", "C4"),
    "tabletop_golf": ("C6", "C7", "C8", "C9", "C10", "C11"),
}
"""The coefficients of Table 3 by kind of reward."""


def read_reward(fields: Fields, cameras: tuple[str, ...], axes: tuple[str, ...]) -> Reward:
    """The reward section; ``cameras`` are those with rewarded: true, ``axes`` the workspace's."""
    kind = fields.choice("kind", tuple(COEFFICIENTS))
    section = fields.section("coefficients")
    coefficients = {name: section.number(name, -LARGE, LARGE) for name in COEFFICIENTS[kind]}
    section.end()
    reward: Reward
    if kind == "cable_routing":
        reward = _read_cable(fields, kind, coefficients, cameras)
    elif kind == "peg_insertion":
        reward = _read_peg(fields, kind, coefficients, axes)
    else:
        reward = _read_golf(fields, kind, coefficients, cameras, axes)
    fields.end()
    return reward


def _read_cable(
    fields: Fields, kind: str, coefficients: dict[str, float], cameras: tuple[str, ...]
) -> CableReward:
    threshold = fields.number("threshold", -LARGE, LARGE)
    slots: list[Slot] = []
    section = fields.section("slots")
    for name, classes in SLOT_CLASSES.items():
        slot = section.section(name)
        camera = slot.choice("camera", cameras)
        table = slot.section("rewards")
        rewards = tuple(table.number(state, -LARGE, LARGE) for state in classes)
        table.end()
        if list(rewards) != sorted(rewards):
            raise slot.refuse("rewards", list(rewards), f"rewards that rise from {classes[0]} on")
        slots.append(Slot(name, camera, classes, rewards, slot.choice("success", classes)))
        slot.end()
    section.end()
    if slots[0].camera == slots[1].camera:
        raise section.refuse("slot_2.camera", slots[1].camera, "another camera than slot_1 has")
    if not slots[0].rewards[0] < threshold <= slots[0].rewards[-1]:
        raise fields.refuse(
            "threshold", threshold,
            f"above slot_1's lowest reward {slots[0].rewards[0]:g}, "
            f"at most its highest {slots[0].rewards[-1]:g}",
        )  # fmt: skip
    return CableReward(kind, coefficients, tuple(slots), threshold)


def _read_peg(
    fields: Fields, kind: str, coefficients: dict[str, float], axes: tuple[str, ...]
) -> PegReward:
    _need_axes(fields, kind, axes, ("x", "y", "z", "r"))
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
        kind,
        coefficients,
        tuple(pegs),
        max_distance=success.number("max_distance", 0.0, 1.0, above=True),
        max_height=success.number("max_height", 0.0, 1.0, above=True),
        max_angle=success.number("max_angle", 0.0, 3.2, above=True),
    )
    success.end()
    return reward


def _read_golf(
    fields: Fields,
    kind: str,
    coefficients: dict[str, float],
    cameras: tuple[str, ...],
    axes: tuple[str, ...],
) -> GolfReward:
    _need_axes(fields, kind, axes, ("x", "y", "r"))
    if len(cameras) != 2:
        raise fields.refuse("kind", kind, "two cameras with rewarded: true, which see the ball")
    hole = fields.section("hole")
    reward = GolfReward(
        kind,
        coefficients,
        hole=(hole.number("x", -1.0, 1.0), hole.number("y", -1.0, 1.0)),
        hole_radius=hole.number("radius", 0.0, 1.0, above=True),
        margin=fields.number("margin", 0.0, 1.0),
        strike_penalty=fields.number("strike_penalty", 0.0, LARGE),
    )
    hole.end()
    return reward


def _need_axes(fields: Fields, kind: str, axes: tuple[str, ...], needed: tuple[str, ...]) -> None:
    if set(axes) != set(needed):
        raise fields.refuse("kind", kind, f"a workspace with the axes {list(needed)}")
