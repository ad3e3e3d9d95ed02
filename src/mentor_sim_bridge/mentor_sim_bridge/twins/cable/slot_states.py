"""Where the cable lies relative to a slot: pure geometry, the ground truth of eq. 7."""

from __future__ import annotations

import numpy as np

from mentor_common.tasks.cable_routing import Slot1, Slot2
from mentor_sim_bridge.twins.cable.config import SlotConfig

STATIONS = 9
"""Places along the channel at which the cable is checked."""
SIDE = 0.030
"""Farther than this from the channel's middle, the cable is outside; metres."""
MIDDLE = 0.5
"""Share of half the gap that counts as close to the middle."""


def cable_in_slot(points: np.ndarray, slot: SlotConfig) -> tuple[np.ndarray, np.ndarray]:
    """Return the cable's way through a slot.

    Args:
        points: (P, 3) middle line of the cable, metres, world frame.
        slot: pose and shape of the channel.

    Returns:
        Offset from the channel's middle and height, (STATIONS,) metres each, from end to end of the
        channel. NaN where the cable does not reach.
    """
    cos, sin = np.cos(slot.yaw), np.sin(slot.yaw)
    shift = points[:, :2] - np.asarray(slot.position)
    across = shift[:, 0] * cos + shift[:, 1] * sin
    along = -shift[:, 0] * sin + shift[:, 1] * cos
    order = np.argsort(along, kind="stable")
    stations = np.linspace(-slot.length / 2, slot.length / 2, STATIONS)
    offset = np.interp(stations, along[order], across[order], left=np.nan, right=np.nan)
    height = np.interp(stations, along[order], points[order, 2], left=np.nan, right=np.nan)
    return offset, height


def _within(points: np.ndarray, slot: SlotConfig) -> tuple[np.ndarray, np.ndarray]:
    """Return unsigned offsets, metres, and whether the cable lies inside; both (STATIONS,)."""
    offset, height = cable_in_slot(points, slot)
    offset = np.nan_to_num(np.abs(offset), nan=np.inf)
    height = np.nan_to_num(height, nan=np.inf)
    return offset, (offset <= slot.gap / 2) & (height < slot.wall_height)


def slot_1_state(points: np.ndarray, slot: SlotConfig) -> Slot1:
    """Return the state of the slot to be filled first.

    Inside: the cable's middle line is between the walls and below their upper edges along the whole
    channel. Above: it is over the channel or its walls.
    """
    offset, inside = _within(points, slot)
    if inside.all():
        return Slot1.INSIDE
    if np.median(offset) <= slot.gap / 2 + slot.wall_thickness:
        return Slot1.ABOVE
    return Slot1.SIDE if offset.min() <= SIDE else Slot1.OUTSIDE


def slot_2_state(points: np.ndarray, slot: SlotConfig) -> Slot2:
    """Return the state of the second slot.

    Fully inside: as slot 1's inside; partially: somewhere. Above the edge: over the channel or its
    walls along the whole slot; partially: somewhere. Above the middle: all of it within MIDDLE.
    """
    offset, inside = _within(points, slot)
    if inside.all():
        return Slot2.FULLY_INSIDE
    if inside.any():
        return Slot2.PARTIALLY_INSIDE
    over = offset <= slot.gap / 2 + slot.wall_thickness
    if (offset <= MIDDLE * slot.gap / 2).all():
        return Slot2.ABOVE_MIDDLE
    if over.all():
        return Slot2.ABOVE_EDGE
    if over.any():
        return Slot2.PARTIALLY_ABOVE
    return Slot2.SIDE if offset.min() <= SIDE else Slot2.OUTSIDE
