"""The three cameras of cable routing, plugged in and delivering."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mentor_common.cell.frame_feed import FeedHeader, FrameFeed

CAMERAS = ("side", "slot_1", "slot_2")


@contextmanager
def delivering_cameras(
    folder: Path, cameras: tuple[str, ...] = CAMERAS
) -> Iterator[dict[str, str]]:
    """Return their sources, by name, for cameras of 640x480 at 30 Hz."""
    header = FeedHeader("Simulated D435", "7", 640, 480, 30, 600.0)
    feeds = {name: FrameFeed(folder / name, header) for name in cameras}
    stop = threading.Event()
    picture = np.full((480, 640, 3), 90, np.uint8)

    def run() -> None:
        number = 0
        while not stop.wait(1 / 30):
            number += 1
            for feed in feeds.values():
                feed.send(time.time_ns(), number, picture)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield {name: f"feed:{feed.path}" for name, feed in feeds.items()}
    finally:
        stop.set()
        thread.join()
        for feed in feeds.values():
            feed.close()
