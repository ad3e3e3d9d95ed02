"""What the crafts of the cable routing cell share: the slots' states and the reward of eq. 7.

Slot 1 is the farther one, to be filled first; the reward for slot 2 counts only while slot 1 holds
the cable. The states' values are the class indices of the slot classifiers and travel as integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

C5 = 3.0
"""Bonus of eq. 7 while slot 1 is filled (Table 3)."""
STREAM = 0x57A27
"""Sets the random numbers of start poses apart from all others drawn from the same seed."""


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


SLOT_1_REWARDS = MappingProxyType(
    {Slot1.OUTSIDE: -3.0, Slot1.SIDE: -1.0, Slot1.ABOVE: 1.0, Slot1.INSIDE: 5.0}
)
SLOT_2_REWARDS = MappingProxyType(
    {
        Slot2.OUTSIDE: -3.0,
        Slot2.SIDE: -1.0,
        Slot2.PARTIALLY_ABOVE: 1.0,
        Slot2.ABOVE_EDGE: 3.0,
        Slot2.ABOVE_MIDDLE: 5.0,
        Slot2.PARTIALLY_INSIDE: 10.0,
        Slot2.FULLY_INSIDE: 15.0,
    }
)


def reward_terms(slot_1: Slot1 | int, slot_2: Slot2 | int) -> dict[str, float]:
    """Terms of eq. 7: `slot_1`, and `slot_2` and `bonus`, which are 0 unless slot 1 is filled.

    Raises:
        ValueError: a state is none of its slot's classes.
    """
    first = SLOT_1_REWARDS[Slot1(slot_1)]
    second = SLOT_2_REWARDS[Slot2(slot_2)]
    filled = first >= 2.0
    return {
        "slot_1": first,
        "slot_2": second if filled else 0.0,
        "bonus": C5 if filled else 0.0,
    }


def cable_reward(slot_1: Slot1 | int, slot_2: Slot2 | int) -> float:
    """Eq. 7: R = r_slot1 + I(r_slot1 >= 2) (r_slot2 + C5), between -3 and 23."""
    return sum(reward_terms(slot_1, slot_2).values())


def is_success(slot_1: Slot1 | int, slot_2: Slot2 | int) -> bool:
    """Whether the cable lies fully inside both slots."""
    return Slot1(slot_1) is Slot1.INSIDE and Slot2(slot_2) is Slot2.FULLY_INSIDE


class StartPoses:
    """Draws where episodes begin; reset node and in-process environment draw alike from a seed.

    Args:
        low: lowest start on each of the task's axes, normalised, shape (axes,).
        high: highest, same shape.
    """

    def __init__(self, low: Sequence[float], high: Sequence[float]) -> None:
        self._low, self._high = np.asarray(low, np.float64), np.asarray(high, np.float64)
        self._random = np.random.default_rng()

    def draw(self, seed: int | None = None) -> NDArray[np.float32]:
        """The next start, (axes,) float32, as MoveTo carries it; `seed` begins a new sequence."""
        if seed is not None:
            self._random = np.random.default_rng([seed, STREAM])
        return self._random.uniform(self._low, self._high).astype(np.float32)
