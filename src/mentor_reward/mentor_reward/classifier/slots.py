"""The slots of the cable routing cell: their cameras and their states."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import numpy as np

from mentor_common.tasks.cable_routing import SLOT_STATES

IMAGE_SIZE = 84
"""Height and width of the frames that are classified, pixels: those of the observation."""
SLOTS = SLOT_STATES
"""The states of each slot, by the name of its camera, which is the slot's own."""
PARTS = ("cable", "slots")
"""What a simulator's masks segment, in this order; masks of the cable alone have only the first."""
SIDE = "side"
"""The camera whose view is across the cable."""
VIEWS = {"slot_1": ("slot_1", "slot_2", SIDE), "slot_2": ("slot_2", "slot_1", SIDE)}
"""The cameras that a slot's classifier uses, in this order; a classifier may use only the first."""
SIDE_VIEW = 2
"""The index of the side camera among them."""


def states_of(camera: str) -> type[IntEnum]:
    """Return the states of a slot camera's classifier.

    Raises:
        ValueError: it is no slot camera.
    """
    if camera not in SLOTS:
        raise ValueError(f"camera '{camera}' is no slot camera; known: {', '.join(SLOTS)}")
    return SLOTS[camera]


def views_of(camera: str, frames: Mapping[str, np.ndarray]) -> np.ndarray:
    """Concatenate the frames that a slot's classifier uses, in the order of VIEWS.

    In one oblique view the cable's lateral offset and its height look the same. The other slot's
    frame of the same timestep separates them a little, and the side camera's frame, which is taken
    across the cable, much better. That frame is transposed, so that the cable runs from top to
    bottom in every view.

    Args:
        camera: the slot camera.
        frames: (P, H, W) uint8 of each camera at one timestep.

    Returns:
        (P views, H, W) uint8: the frames of VIEWS up to the first that is missing.
    """
    views = []
    for name in VIEWS[camera]:
        if name not in frames:
            break
        views.append(frames[name].swapaxes(1, 2) if name == SIDE else frames[name])
    return np.concatenate(views)
