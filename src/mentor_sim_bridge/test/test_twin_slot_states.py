"""Slot states from the cable's shape alone."""

from __future__ import annotations

import numpy as np
import pytest

from mentor_common.tasks.cable_routing import Slot1, Slot2
from mentor_sim_bridge.twins.cable.config import load_cable_config
from mentor_sim_bridge.twins.cable.slot_states import cable_in_slot, slot_1_state, slot_2_state

CONFIG = load_cable_config()
LOW, HIGH = 0.006, 0.080


def straight(slot, offset: float, height: float, turn: float = 0.0) -> np.ndarray:
    """A straight cable through a slot: offset and height in metres, turn in radians against it."""
    along = np.linspace(-0.3, 0.3, 25)
    across = offset + along * np.tan(turn)
    cos, sin = np.cos(slot.yaw), np.sin(slot.yaw)
    x = slot.position[0] + across * cos - along * sin
    y = slot.position[1] + across * sin + along * cos
    return np.stack([x, y, np.full(25, height)], axis=1)


@pytest.mark.parametrize(
    ("offset", "height", "state"),
    [
        (0.0, LOW, Slot1.INSIDE),
        (0.004, LOW, Slot1.INSIDE),
        (0.0, HIGH, Slot1.ABOVE),
        (0.012, HIGH, Slot1.ABOVE),
        (0.022, HIGH, Slot1.SIDE),
        (-0.022, LOW, Slot1.SIDE),
        (0.05, LOW, Slot1.OUTSIDE),
        (-0.05, HIGH, Slot1.OUTSIDE),
    ],
)
def test_slot_1_is_judged_by_offset_and_height(offset, height, state):
    assert slot_1_state(straight(CONFIG.slot_1, offset, height), CONFIG.slot_1) is state


@pytest.mark.parametrize(
    ("offset", "height", "turn", "state"),
    [
        (0.0, LOW, 0.0, Slot2.FULLY_INSIDE),
        (0.003, HIGH, 0.0, Slot2.ABOVE_MIDDLE),
        (0.010, HIGH, 0.0, Slot2.ABOVE_EDGE),
        (0.014, HIGH, 0.4, Slot2.PARTIALLY_ABOVE),
        (0.025, HIGH, 0.0, Slot2.SIDE),
        (0.06, LOW, 0.0, Slot2.OUTSIDE),
    ],
)
def test_slot_2_is_judged_by_offset_height_and_turn(offset, height, turn, state):
    assert slot_2_state(straight(CONFIG.slot_2, offset, height, turn), CONFIG.slot_2) is state


def test_slot_2_holds_the_cable_partially_when_one_end_stands_out():
    points = straight(CONFIG.slot_2, 0.0, LOW)
    points[:, 2] += np.linspace(-0.18, 0.22, 25)
    assert slot_2_state(points, CONFIG.slot_2) is Slot2.PARTIALLY_INSIDE


def test_the_order_of_the_points_does_not_matter():
    points = straight(CONFIG.slot_1, 0.002, LOW, 0.1)
    for ours, theirs in zip(
        cable_in_slot(points, CONFIG.slot_1),
        cable_in_slot(points[::-1], CONFIG.slot_1),
        strict=True,
    ):
        assert np.allclose(ours, theirs)


def test_a_cable_that_does_not_reach_the_slot_is_outside():
    short = straight(CONFIG.slot_2, 0.0, LOW)[:5]
    assert slot_2_state(short, CONFIG.slot_2) is Slot2.OUTSIDE
    assert slot_1_state(short - [1.0, 0.0, 0.0], CONFIG.slot_1) is Slot1.OUTSIDE
