"""Who the camera node's tests put at its two ends: a viewer of its images, and a camera."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from fake_peer import FakePeer
from sensor_msgs.msg import Image

from mentor_common.cell.frame_feed import FeedHeader, FrameFeed
from mentor_common.messages import topics


class Viewer(FakePeer):
    """Receives the images of a camera and the node's diagnostics."""

    def __init__(self) -> None:
        super().__init__("viewer")
        self.images: list[Image] = []
        self.node.create_subscription(
            Image, topics.camera_image("side").name, self.images.append, topics.IMAGE_QOS
        )
        self.diagnostics = self.record_diagnostics("camera")
        self.begin()

    def reads(self, level: int, text: str) -> bool:
        """Wait for a report of this level with this text."""
        return self.wait(
            lambda: any(at == level and text in said for at, said in self.diagnostics), 60
        )


class Shutter:
    """A simulated camera that is plugged in, takes pictures of one grey and is unplugged."""

    def __init__(self, path: Path, serial: str = "1234", grey: int = 0) -> None:
        header = FeedHeader("Simulated D435", serial, 640, 480, 30, 600.0)
        self._feed = FrameFeed(path, header)
        self._picture = np.full((480, 640, 3), grey, np.uint8)
        self.number = 0

    def shoot_until(
        self, done: Callable[[], bool], offset: float = 0.0, seconds: float = 60.0
    ) -> bool:
        """Take pictures at 30 Hz, stamped `offset` seconds off, until `done()`."""
        until = time.monotonic() + seconds
        while not done() and time.monotonic() < until:
            self.number += 1
            self._picture[50, 100] = (self.number % 256, 1, 2)
            self._feed.send(time.time_ns() + round(1e9 * offset), self.number, self._picture)
            time.sleep(1 / 30)
        return done()

    def unplug(self) -> None:
        self._feed.close()
