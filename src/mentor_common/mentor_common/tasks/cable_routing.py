"""Cable routing (App. C): the states of both slots, the reward of eq. 7, and success.

Slot 1 is the farther one, to be filled first; the reward for slot 2 counts only while slot 1 holds
the cable. The states' values are the class indices of the slot classifiers and travel as integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from mentor_common.tasks.reward_fields import LARGE, read_coefficients
from mentor_common.tasks.task import Task
from mentor_common.tasks.yaml_fields import Fields

KIND = "cable_routing"


class Slot1(IntEnum):
    """Where the cable is relative to slot 1 (App. C.3: four classes)."""

    OUTSIDE = 0
    SIDE = 1
    ABOVE = 2
    INSIDE = 3


class Slot2(IntEnum):
    """Where the cable is relative to slot 2 (App. C.3: seven classes)."""

    OUTSIDE = 0
    SIDE = 1
    PARTIALLY_ABOVE = 2
    ABOVE_EDGE = 3
    ABOVE_MIDDLE = 4
    PARTIALLY_INSIDE = 5
    FULLY_INSIDE = 6


SLOT_STATES: dict[str, type[IntEnum]] = {"slot_1": Slot1, "slot_2": Slot2}
"""The slots and their states."""


@dataclass(frozen=True)
class SlotReward:
    """What one slot pays.

    Args:
        name: slot_1 or slot_2.
        camera: the camera whose images are classified.
        rewards: by state.
        success: the state that counts as success.
    """

    name: str
    camera: str
    rewards: tuple[float, ...]
    success: int


@dataclass(frozen=True)
class CableReward:
    """Eq. 7: R = r_slot1 + I(r_slot1 >= threshold) (r_slot2 + C5), with a task file's values.

    Args:
        slot_1: the slot to be filled first.
        slot_2: the other one.
        threshold: what slot 1 must pay for slot 2 to count.
        bonus: C5.
    """

    slot_1: SlotReward
    slot_2: SlotReward
    threshold: float
    bonus: float

    def terms(self, slot_1: int, slot_2: int) -> dict[str, float]:
        """Return the terms of eq. 7, whose sum is the reward.

        Args:
            slot_1: a value of Slot1.
            slot_2: a value of Slot2.

        Returns:
            `slot_1`, and `slot_2` and `bonus`, which are 0 unless slot 1 is filled.

        Raises:
            ValueError: a state is none of its slot's.
        """
        first = self.slot_1.rewards[Slot1(slot_1)]
        second = self.slot_2.rewards[Slot2(slot_2)]
        filled = first >= self.threshold
        return {
            "slot_1": first,
            "slot_2": second if filled else 0.0,
            "bonus": self.bonus if filled else 0.0,
        }

    def is_success(self, slot_1: int, slot_2: int) -> bool:
        """Return whether the cable lies fully inside both slots."""
        return (slot_1, slot_2) == (self.slot_1.success, self.slot_2.success)


def cable_reward_of(task: Task) -> CableReward:
    """Read the section ``reward`` of a task file.

    Raises:
        TaskError: it is refused.
    """
    fields = task.reward.fields
    bonus = read_coefficients(fields, ("C5",))["C5"]
    threshold = fields.number("threshold", -LARGE, LARGE)
    section = fields.section("slots")
    slot_1, slot_2 = (_read_slot(section, name, task.rewarded_cameras) for name in SLOT_STATES)
    section.end()
    if slot_1.camera == slot_2.camera:
        raise section.refuse("slot_2.camera", slot_2.camera, "another camera than slot_1 has")
    low, high = slot_1.rewards[0], slot_1.rewards[-1]
    if not low < threshold <= high:
        allowed = f"above slot_1's lowest reward {low:g}, at most its highest {high:g}"
        raise fields.refuse("threshold", threshold, allowed)
    fields.end()
    return CableReward(slot_1, slot_2, threshold, bonus)


def _read_slot(fields: Fields, name: str, cameras: tuple[str, ...]) -> SlotReward:
    states = tuple(state.name.lower() for state in SLOT_STATES[name])
    slot = fields.section(name)
    camera = slot.choice("camera", cameras)
    table = slot.section("rewards")
    rewards = tuple(table.number(state, -LARGE, LARGE) for state in states)
    table.end()
    if list(rewards) != sorted(rewards):
        raise slot.refuse("rewards", list(rewards), f"rewards that rise from {states[0]} on")
    success = states.index(slot.choice("success", states))
    slot.end()
    return SlotReward(name, camera, rewards, success)
