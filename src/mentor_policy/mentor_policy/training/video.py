"""mp4 of what the agent sees: the newest frame of each camera, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import numpy as np
import numpy.typing as npt

from mentor_common.messages.frames import FrameLayout

LEAST_HEIGHT = 320
"""Pixels that frames are enlarged to at least, by a whole number."""


class VideoWriter:
    """Writes a video, or nothing if there is no path; to be used in a ``with``.

    The file appears under its name when it is complete.

    Args:
        path: of the mp4, or None.
        layout: of the observations.
        frames_per_second: of the video.
    """

    def __init__(self, path: Path | None, layout: FrameLayout, frames_per_second: int) -> None:
        self._path = path
        self._layout = layout
        self._rate = max(1, frames_per_second)
        self._scale = -(-LEAST_HEIGHT // layout.height)
        self._writer: Any = None

    def __enter__(self) -> VideoWriter:
        return self

    def add(self, pixels: npt.NDArray[np.uint8]) -> None:
        """Append an observation, ``(C, H, W) uint8``."""
        if self._path is None:
            return
        if self._writer is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = imageio.get_writer(
                self._temporary, fps=self._rate, macro_block_size=2, codec="libx264"
            )
        layout = self._layout
        shape = (len(layout.cameras), layout.frames, 3, layout.height, layout.width)
        newest = pixels.reshape(shape)[:, -1].transpose(2, 0, 3, 1)
        frame = newest.reshape(layout.height, -1, 3)
        self._writer.append_data(frame.repeat(self._scale, axis=0).repeat(self._scale, axis=1))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._writer is None or self._path is None:
            return
        self._writer.close()
        if kind is None:
            self._temporary.replace(self._path)
        else:
            self._temporary.unlink(missing_ok=True)

    @property
    def _temporary(self) -> Path:
        assert self._path is not None
        return self._path.with_name(f".new-{self._path.name}")
