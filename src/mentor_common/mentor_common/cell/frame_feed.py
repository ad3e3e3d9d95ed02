"""Frames of a simulated camera on their way into a camera node, over a Unix socket.

A rehearsal offers one feed a camera; the camera node puts what it receives into librealsense's
``software_device``. A closed feed is an unplugged camera.
"""

from __future__ import annotations

import json
import select
import socket
import struct
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]
_LENGTH = struct.Struct("<I")
_FRAME = struct.Struct("<qQ")
_PATIENCE = 0.5  # seconds that a reader may stand still before it is cut off


class FeedClosed(ConnectionError):
    """Nobody offers the feed, or whoever did has closed it."""


@dataclass(frozen=True)
class FeedHeader:
    """What the simulated camera is.

    Args:
        name: name of the camera's model.
        serial: serial of the device.
        width, height: pixels.
        rate: images per second.
        focal: focal length, pixels; the principal point is the middle.
    """

    name: str
    serial: str
    width: int
    height: int
    rate: int
    focal: float


class FrameFeed:
    """Offers the frames of one camera to the newest reader that connects.

    Args:
        path: path of the socket; an old one is replaced.
        header: what a reader receives first.
    """

    def __init__(self, path: Path, header: FeedHeader) -> None:
        self.path, self.header = path, header
        self._reader: socket.socket | None = None
        path.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(path))
        self._server.listen(4)
        self._server.setblocking(False)

    @property
    def connected(self) -> bool:
        """Whether somebody reads the frames; takes in a reader that waits."""
        try:
            while True:
                reader, _ = self._server.accept()
                self._drop_reader()
                reader.settimeout(_PATIENCE)
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
                self._reader = reader
                self._send(json.dumps(asdict(self.header)).encode())
        except BlockingIOError:
            return self._reader is not None

    def send(self, stamp_ns: int, number: int, pixels: UInt8) -> bool:
        """Send a frame; return whether somebody received it.

        Args:
            stamp_ns: nanoseconds since the epoch at which it was taken.
            number: counts the frames; a gap is a drop.
            pixels: (height, width, 3) RGB.
        """
        if not self.connected:
            return False
        return self._send(_FRAME.pack(stamp_ns, number) + np.ascontiguousarray(pixels).tobytes())

    def close(self) -> None:
        """Unplug the camera."""
        self._drop_reader()
        self._server.close()
        self.path.unlink(missing_ok=True)

    def _send(self, payload: bytes) -> bool:
        if self._reader is None:
            return False
        try:
            self._reader.sendall(_LENGTH.pack(len(payload)) + payload)
        except OSError:
            self._drop_reader()
            return False
        return True

    def _drop_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


class FeedReader:
    """Receives the frames of one feed.

    Args:
        path: path of the socket.

    Raises:
        FeedClosed: nobody offers it.
    """

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(str(path))
            self._socket.settimeout(2.0)
            self.header = FeedHeader(**json.loads(self._message()))
        except (OSError, ValueError) as error:
            self._socket.close()
            raise FeedClosed(f"nobody offers the frame feed {path}: {error}") from error

    def read(self, timeout: float) -> tuple[int, int, UInt8] | None:
        """Return stamp, number and pixels of the next frame; None if none comes in time.

        Raises:
            FeedClosed: the camera was unplugged.
        """
        try:
            if not select.select([self._socket], [], [], timeout)[0]:
                return None
            payload = self._message()
        except (OSError, ValueError) as error:
            raise FeedClosed(f"the frame feed was closed: {error}") from error
        stamp_ns, number = _FRAME.unpack_from(payload)
        pixels = np.frombuffer(payload, np.uint8, offset=_FRAME.size)
        return stamp_ns, number, pixels.reshape(self.header.height, self.header.width, 3)

    def close(self) -> None:
        """Let go of the feed."""
        self._socket.close()

    def _message(self) -> bytes:
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        return self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            part = self._socket.recv(count - len(parts))
            if not part:
                raise OSError("end of the stream")
            parts += part
        return bytes(parts)
