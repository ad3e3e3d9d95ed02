"""A simulated camera that is plugged in and open, for tests that send it frame by frame."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mentor_camera.cameras.frame import Frame
from mentor_camera.cameras.realsense import RealSenseCamera
from mentor_common.cell.cell_file import CameraCell
from mentor_common.cell.frame_feed import FeedHeader, FrameFeed
from mentor_common.tasks.cameras import Camera, Crop

HEADER = FeedHeader("Simulated D435", "1234", 96, 64, 30, 90.0)
CAMERA = Camera("side", 96, 64, 30.0, True, False, 0.1, Crop(4, 2, 84, 60))


class Pump:
    """Calls a function over and over in a thread, as a simulated camera takes in its readers."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], object]) -> None:
        while not self._stop.wait(0.002):
            work()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


class PluggedCamera:
    """A camera that is open, and what it sees."""

    def __init__(self, folder: Path, settings: CameraCell) -> None:
        self._feed = FrameFeed(folder / "side", HEADER)
        self._number = 0
        self.camera = RealSenseCamera(CAMERA, settings, f"feed:{self._feed.path}")
        self.open()

    def open(self) -> None:
        """Open the camera, for which the feed takes it in as a reader."""
        pump = Pump(lambda: self._feed.connected)
        try:
            self.camera.open()
        finally:
            pump.stop()

    def shoot(self, grey: int = 90) -> Frame:
        """Return the frame of a picture of one grey."""
        self._number += 1
        assert self._feed.send(time.time_ns(), self._number, np.full((64, 96, 3), grey, np.uint8))
        return self.camera.read(2.0)

    def close(self) -> None:
        self.camera.close()
        self._feed.close()


@contextmanager
def plugged_camera(folder: Path, **settings: float) -> Iterator[PluggedCamera]:
    """An open camera whose cell file has these exposure settings."""
    plugged = PluggedCamera(folder, CameraCell("1234", **settings))
    try:
        yield plugged
    finally:
        plugged.close()
