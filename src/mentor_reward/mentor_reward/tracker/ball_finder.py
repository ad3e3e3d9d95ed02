"""Finds what may be the ball in one image: by its colour, apart from a background that stays."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
HUE = (0.10, 0.75)
"""Bounds of (green - blue) / (red - blue): orange; 0 is red, 1 is yellow."""
LEAST_SATURATION, LEAST_RED = 0.5, 50
LEAST_PIXELS = 3
STAYS, MOST_SEEN = 4, 20
"""Images in a row in which something of the ball's colour away from the ball makes background, and
up to which they are counted."""


@dataclass(frozen=True)
class Blob:
    """Pixels of the ball's colour that hang together.

    Args:
        point: their middle, shares of width and height.
        size: diameter of a disc of their area, share of the height.
    """

    point: tuple[float, float]
    size: float


class BallFinder:
    """Finds blobs in the images of one camera, and learns its background."""

    def __init__(self) -> None:
        self._seen: npt.NDArray[np.int16] | None = None

    def find(self, image: UInt8) -> list[Blob]:
        """Return what may be the ball, largest first; the image is (H, W, 3) RGB."""
        mask = ball_coloured(image)
        if self._seen is not None and self._seen.shape == mask.shape:
            mask &= self._seen < STAYS
        count, _, statistics, middles = cv2.connectedComponentsWithStats(
            mask.astype(np.uint8), connectivity=8
        )
        height, width = mask.shape
        blobs = [
            Blob(
                ((middles[i][0] + 0.5) / width, (middles[i][1] + 0.5) / height),
                float(np.sqrt(4.0 / np.pi * statistics[i, cv2.CC_STAT_AREA]) / height),
            )
            for i in range(1, count)
            if statistics[i, cv2.CC_STAT_AREA] >= LEAST_PIXELS
        ]
        return sorted(blobs, key=lambda blob: -blob.size)

    def learn(self, image: UInt8, ball: tuple[float, float] | None, radius: float) -> None:
        """Learn from an image what stays where the ball is not.

        Args:
            image: (H, W, 3) RGB.
            ball: where it is, shares; None: unknown, and nothing is learned.
            radius: share of the height around the ball that is not background.
        """
        if ball is None:
            return
        mask = ball_coloured(image)
        height, width = mask.shape
        if self._seen is None or self._seen.shape != mask.shape:
            self._seen = np.zeros(mask.shape, np.int16)
        rows, columns = np.ogrid[:height, :width]
        near = (rows + 0.5 - ball[1] * height) ** 2 + (columns + 0.5 - ball[0] * width) ** 2
        mask &= near > (radius * height) ** 2
        self._seen = np.where(mask, np.minimum(self._seen + 1, MOST_SEEN), self._seen // 2)


def ball_coloured(image: UInt8) -> Mask:
    """Return which pixels (H, W) of an RGB image have the ball's colour."""
    red, green, blue = (image[..., i].astype(np.int16) for i in range(3))
    range_ = red - blue
    share = green - blue
    return np.asarray(
        (red >= LEAST_RED)
        & (range_ > LEAST_SATURATION * red)
        & (share > HUE[0] * range_)
        & (share < HUE[1] * range_)
    )
