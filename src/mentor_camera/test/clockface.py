"""Images that carry their time: every pixel spells the stamp in milliseconds in R, G and B."""

from __future__ import annotations

import numpy as np

MS = 1_000_000  # nanoseconds


def clock_image(stamp_ns: int, height: int = 84, width: int = 84) -> np.ndarray:
    """(height, width, 3) uint8 whose three bytes are the stamp in milliseconds."""
    ms = stamp_ns // MS
    image = np.empty((height, width, 3), dtype=np.uint8)
    image[:] = (ms & 255, ms >> 8 & 255, ms >> 16 & 255)
    return image


def times_in(pixels: np.ndarray) -> list[int]:
    """Milliseconds spelt by each frame of an observation (channels, height, width)."""
    frames = pixels.reshape(-1, 3, *pixels.shape[1:])
    times = []
    for frame in frames:
        red, green, blue = (int(plane.flat[0]) for plane in frame)
        assert all((plane == plane.flat[0]).all() for plane in frame), "frame is not of one time"
        times.append(red | green << 8 | blue << 16)
    return times
