"""The slots of the cable routing cell: their cameras and the states that are told apart."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import numpy as np

from mentor_common.tasks.cable_routing import Slot1, Slot2

IMAGE_SIZE = 84
"""Height and width of the frames that are classified, pixels: those of the observation."""
SLOTS: dict[str, type[IntEnum]] = {"slot_1": Slot1, "slot_2": Slot2}
"""Camera of each slot and the states it tells apart."""
SIDE = "side"
"""The camera that looks across the cable."""
VIEWS = {"slot_1": ("slot_1", "slot_2", SIDE), "slot_2": ("slot_2", "slot_1", SIDE)}
"""Cameras that the classifier of a slot looks at, in this order; one may look at fewer."""
SIDE_VIEW = 2
"""Where the side camera stands among them."""


def states_of(camera: str) -> type[IntEnum]:
    """States that the classifier of a slot camera tells apart.

    Raises:
        ValueError: the camera watches no slot.
    """
    if camera not in SLOTS:
        raise ValueError(f"camera '{camera}' watches no slot; known: {', '.join(SLOTS)}")
    return SLOTS[camera]


def views_of(camera: str, frames: Mapping[str, np.ndarray]) -> np.ndarray:
    """What the classifier of a slot looks at: the frames of VIEWS, as far as they are there.

    One oblique camera mixes how far the cable lies aside with how high it is; the other slot's
    frame of the same moment tells them apart a little, as the cable runs through both, and the
    side camera, which looks across the cable, much better. Its frame is turned by its diagonal, so
    that the cable runs down every view.

    Args:
        camera: the slot camera.
        frames: (P, H, W) uint8 of each camera at one moment.

    Returns:
        (P views, H, W) uint8. It ends before the first of VIEWS that has no frame.
    """
    views = []
    for name in VIEWS[camera]:
        if name not in frames:
            break
        views.append(frames[name].swapaxes(1, 2) if name == SIDE else frames[name])
    return np.concatenate(views)
