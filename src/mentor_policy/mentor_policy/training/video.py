"""mp4 of what the agent sees: the newest frame of each camera, side by side."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import imageio.v2 as imageio
import numpy as np
import numpy.typing as npt

from mentor_common.files.atomic import replaced
from mentor_common.messages.frames import FrameLayout

LEAST_HEIGHT = 320
"""Pixels that frames are enlarged to at least, by a whole number."""


class VideoWriter:
    """Writes a video, or nothing if there is no path; to be used in a ``with``.

    The file appears under its name when it is complete.

    Args:
        path: path of the mp4, or None.
        layout: layout of the observations.
        frames_per_second: frames per second of the video.
    """

    def __init__(self, path: Path | None, layout: FrameLayout, frames_per_second: int) -> None:
        self._path = path
        self._layout = layout
        self._rate = max(1, frames_per_second)
        self._scale = -(-LEAST_HEIGHT // layout.height)
        self._writer: Any = None
        self._open = ExitStack()

    def __enter__(self) -> VideoWriter:
        return self

    def add(self, pixels: npt.NDArray[np.uint8]) -> None:
        """Append an observation, ``(C, H, W) uint8``."""
        if self._path is None:
            return
        if self._writer is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._open.enter_context(
                replaced(self._path, durably=False, many_writers=True)
            )
            self._writer = imageio.get_writer(
                temporary, fps=self._rate, macro_block_size=2, codec="libx264"
            )
            self._open.callback(self._writer.close)
        layout = self._layout
        shape = (len(layout.cameras), layout.frames, 3, layout.height, layout.width)
        newest = pixels.reshape(shape)[:, -1].transpose(2, 0, 3, 1)
        frame = newest.reshape(layout.height, -1, 3)
        self._writer.append_data(frame.repeat(self._scale, axis=0).repeat(self._scale, axis=1))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)
