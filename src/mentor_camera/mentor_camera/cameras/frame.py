"""A captured frame, and what can go wrong with the camera that should deliver it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


class CameraError(RuntimeError):
    """A camera that cannot be used as it is: which one, and why."""


class CameraMissing(CameraError):
    """The camera is not connected, or another one is."""


class CameraSilent(CameraError):
    """The camera has sent no frame for too long."""


class CameraRefused(CameraError):
    """The camera has no such profile, or its frames are not what was asked for."""


@dataclass(frozen=True)
class Frame:
    """One colour image.

    Args:
        stamp_ns: when it was taken, nanoseconds since the epoch.
        number: the camera's own count of its frames.
        pixels: (height, width, 3) uint8 RGB, cropped.
    """

    stamp_ns: int
    number: int
    pixels: np.ndarray


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole model of the published image, pixels; after the crop.

    Args:
        width, height: of the image.
        fx, fy: focal lengths.
        cx, cy: principal point.
        distortion: coefficients (k1, k2, p1, p2, k3).
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = (0.0,) * 5

    def resized(self, size: tuple[int, int] | None) -> Intrinsics:
        """Return the model of the image at another (height, width); None: as it is."""
        if size is None:
            return self
        x, y = size[1] / self.width, size[0] / self.height
        return Intrinsics(
            size[1], size[0], self.fx * x, self.fy * y, self.cx * x, self.cy * y, self.distortion
        )
