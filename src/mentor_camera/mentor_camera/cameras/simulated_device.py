"""A librealsense ``software_device`` whose frames come over a feed (rehearsal and tests)."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from mentor_common.cell.frame_feed import FeedClosed, FeedReader

_POLL = 0.2  # seconds between two checks whether the device was closed
_OPTIONS = {  # name of librealsense: least, greatest, value at the start, step
    "enable_auto_exposure": (0.0, 1.0, 1.0, 1.0),
    "exposure": (1.0, 10000.0, 156.0, 1.0),
    "gain": (0.0, 128.0, 64.0, 1.0),
    "enable_auto_white_balance": (0.0, 1.0, 1.0, 1.0),
    "white_balance": (2800.0, 6500.0, 4600.0, 10.0),
}
"""The options of a D435's colour sensor that this project sets."""


class SimulatedDevice:
    """Connects to a feed and offers it as a device of librealsense.

    Args:
        library: pyrealsense2.
        path: path of the feed's socket.

    Raises:
        FeedClosed: nobody offers the feed.
    """

    def __init__(self, library: Any, path: Path) -> None:
        self._library = library
        self._feed = FeedReader(path)
        self.device = library.software_device()
        header = self.header = self._feed.header
        info = library.camera_info
        self.device.register_info(info.name, header.name)
        self.device.register_info(info.serial_number, header.serial)
        self._sensor = self.device.add_sensor("RGB Camera")
        for name, (low, high, value, step) in _OPTIONS.items():
            # By name: the constructor of 2.59 takes the last two in reverse order.
            limits = library.option_range()
            limits.min, limits.max, limits.default, limits.step = low, high, value, step
            self._sensor.add_option(getattr(library.option, name), limits)
        self._profile = self._sensor.add_video_stream(self._stream()).as_video_stream_profile()
        self._closed = threading.Event()
        self._pump = threading.Thread(target=self._run, name="simulated camera", daemon=True)

    def start(self) -> None:
        """Begin to pass frames on."""
        self._pump.start()

    def close(self) -> None:
        """Let go of the feed."""
        self._closed.set()
        if self._pump.is_alive():
            self._pump.join(2.0)
        self._feed.close()

    def _stream(self) -> Any:
        library, header = self._library, self._feed.header
        intrinsics = library.intrinsics()
        intrinsics.width, intrinsics.height = header.width, header.height
        intrinsics.ppx, intrinsics.ppy = header.width / 2.0, header.height / 2.0
        intrinsics.fx = intrinsics.fy = header.focal
        intrinsics.model = library.distortion.none
        intrinsics.coeffs = [0.0] * 5
        stream = library.video_stream()
        stream.type, stream.fmt = library.stream.color, library.format.rgb8
        stream.index, stream.uid, stream.bpp = 0, 0, 3
        stream.width, stream.height, stream.fps = header.width, header.height, header.rate
        stream.intrinsics = intrinsics
        return stream

    def _run(self) -> None:
        library, width = self._library, self._feed.header.width
        while not self._closed.is_set():
            try:
                received = self._feed.read(_POLL)
            except FeedClosed:
                return  # unplugged: the frames stop
            if received is None:
                continue
            stamp_ns, number, pixels = received
            frame = library.software_video_frame()
            frame.pixels, frame.stride, frame.bpp = pixels, 3 * width, 3
            frame.timestamp, frame.frame_number = stamp_ns / 1e6, number
            frame.domain = library.timestamp_domain.global_time
            frame.profile = self._profile
            self._sensor.on_video_frame(frame)
