"""How the pixels of an observation are laid out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class FrameLayout:
    """Shape and order of the pixels of one observation.

    The pixels are a C-contiguous uint8 array of shape ``(channels, height, width)``: cameras
    outermost, then frames from oldest to newest, then the planes R, G, B.

    Args:
        cameras: names of the cameras, in order.
        frames: frames per camera.
        height: pixels.
        width: pixels.
        stacked: True if the frames of an observation are the newest frames of the last steps (each
            step adds one frame per camera, the first observation of an episode repeats its own);
            False if every observation is a block of its own (begin, midpoint, end of a motion).
    """

    cameras: tuple[str, ...]
    frames: int
    height: int
    width: int
    stacked: bool

    def __post_init__(self) -> None:
        for name in ("frames", "height", "width"):
            value = getattr(self, name)
            if value < 1:
                raise ValueError(f"frame layout: {name} is {value}, must be at least 1")
        if not self.cameras:
            raise ValueError("frame layout: no camera, at least one is needed")
        if len(set(self.cameras)) != len(self.cameras):
            raise ValueError(f"frame layout: cameras {self.cameras} name one camera twice")

    def newest_frames(self, pixels: UInt8) -> dict[str, UInt8]:
        """Return the newest frame of each camera, (height, width, 3) RGB, as views.

        Args:
            pixels: pixels of one observation, of this shape, uint8.

        Raises:
            ValueError: they have another shape or type.
        """
        if pixels.shape != self.shape or pixels.dtype != np.uint8:
            raise ValueError(f"pixels are {pixels.dtype} {pixels.shape}, not uint8 {self.shape}")
        blocks = pixels.reshape(len(self.cameras), self.frames, 3, self.height, self.width)
        return dict(zip(self.cameras, blocks[:, -1].transpose(0, 2, 3, 1), strict=True))

    @property
    def channels(self) -> int:
        """Return planes of one observation: cameras x frames x 3."""
        return len(self.cameras) * self.frames * 3

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one observation, ``(channels, height, width)``."""
        return (self.channels, self.height, self.width)


class FormerLayoutError(ValueError):
    """A layout of which the values have other names than here."""


def layout_from_json(values: Mapping[str, Any]) -> FrameLayout:
    """Return the layout of which these are the plain values.

    Raises:
        FormerLayoutError: they have other names, as in earlier versions of this program.
        TypeError, ValueError: they are none of a layout.
    """
    theirs, ours = sorted(values), sorted(field.name for field in fields(FrameLayout))
    if theirs != ours:
        raise FormerLayoutError(f"its layout has {theirs}, here it has {ours}")
    return FrameLayout(**{**values, "cameras": tuple(values["cameras"])})
