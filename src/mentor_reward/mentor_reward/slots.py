"""The slots of the cable routing cell: their cameras and the states that are told apart."""

from __future__ import annotations

from enum import IntEnum

from mentor_common.cable_routing import Slot1, Slot2

IMAGE_SIZE = 84
"""Height and width of the frames that are classified, pixels: those of the observation."""
SLOTS: dict[str, type[IntEnum]] = {"slot_1": Slot1, "slot_2": Slot2}
"""Camera of each slot and the states it tells apart."""


def states_of(camera: str) -> type[IntEnum]:
    """States that the classifier of a slot camera tells apart.

    Raises:
        ValueError: the camera watches no slot.
    """
    if camera not in SLOTS:
        raise ValueError(f"camera '{camera}' watches no slot; known: {', '.join(SLOTS)}")
    return SLOTS[camera]
