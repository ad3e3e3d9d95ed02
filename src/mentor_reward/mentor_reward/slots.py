"""The slots of the cable routing cell: their cameras and the states that are told apart."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import numpy as np

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


def views_of(camera: str, frames: Mapping[str, np.ndarray]) -> np.ndarray:
    """What the classifier of a slot looks at: the frame of its camera, then the others'.

    One oblique camera mixes how far the cable lies aside with how high it is; the other slot's
    frame of the same moment tells them apart, as the cable runs through both.

    Args:
        camera: the slot camera.
        frames: (3, H, W) uint8 of every slot camera at one moment.

    Returns:
        (6, H, W) uint8.
    """
    others = [other for other in SLOTS if other != camera]
    return np.concatenate([frames[name] for name in (camera, *others)])
