"""From an image of a cell's camera to a frame of the size that is classified."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mentor_common.messages.images import resize
from mentor_common.tasks.cameras import Camera
from mentor_reward.classifier.slots import IMAGE_SIZE


def slot_frame(image: np.ndarray, camera: Camera) -> np.ndarray:
    """Crop and resize an image as the stacker does.

    Args:
        image: (H, W, 3) uint8 RGB: a capture, or the region that is used.
        camera: the camera as it stands in the cell.

    Returns:
        (3, 84, 84) uint8, planes R, G, B.

    Raises:
        ValueError: it is neither.
    """
    return resize(camera.cropped(image), IMAGE_SIZE, IMAGE_SIZE).transpose(2, 0, 1)


def read_frame(path: str | Path, camera: Camera) -> np.ndarray:
    """Read a picture of a camera as slot_frame returns it.

    Raises:
        ValueError: it is no picture, or neither a capture nor the region that is used.
    """
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f"{path} is not a picture that can be read")
    try:
        return slot_frame(bgr[:, :, ::-1], camera)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
