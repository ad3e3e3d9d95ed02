"""An observation as one picture for people."""

from __future__ import annotations

import numpy as np

from mentor_common.messages.frames import FrameLayout


def contact_sheet(pixels: np.ndarray, layout: FrameLayout) -> np.ndarray:
    """Return pixels of ``layout.shape`` as (cameras * height, frames * width, 3) uint8 RGB.

    One row for each camera; time runs from left to right.
    """
    cameras = len(layout.cameras)
    frames = pixels.reshape(cameras, layout.frames, 3, layout.height, layout.width)
    rows = frames.transpose(0, 3, 1, 4, 2)  # cameras, height, frames, width, planes
    return np.ascontiguousarray(
        rows.reshape(cameras * layout.height, layout.frames * layout.width, 3)
    )
