"""Bags of camera images, as a recorder writes them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from builtin_interfaces.msg import Time
from mcap.writer import CompressionType, Writer
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage, Image

from mentor_common.messages.images import array_to_image


class Shot(NamedTuple):
    """An image of a camera.

    Args:
        camera: name of the camera.
        received_s: when the recorder received it, seconds.
        pixels: (H, W, 3) uint8 RGB.
        stamp: stamp of the message; None: none.
        compressed: whether it is a PNG on the topic that image_transport has for it.
    """

    camera: str
    received_s: float
    pixels: np.ndarray
    stamp: Time | None = None
    compressed: bool = False

    @property
    def topic(self) -> str:
        """Name of its topic."""
        raw = f"/cell_a/camera/{self.camera}/color/image_raw"
        return f"{raw}/compressed" if self.compressed else raw

    @property
    def message(self) -> Image | CompressedImage:
        """The message."""
        raw = array_to_image(self.pixels, "rgb8", stamp=self.stamp)
        if not self.compressed:
            return raw
        png = cv2.imencode(".png", self.pixels[:, :, ::-1])[1].tobytes()
        return CompressedImage(header=raw.header, format="png", data=png)


def write_shots(path: Path, shots: Iterable[Shot], silent: Iterable[str] = ()) -> Path:
    """Write images in this order, each on the usual topic of its camera in the namespace cell_a.

    Args:
        path: the .mcap file.
        shots: the images.
        silent: raw image topics without a message.
    """
    channels: dict[str, int] = {}
    with path.open("wb") as stream:
        writer = Writer(stream, compression=CompressionType.ZSTD)
        writer.start(profile="ros2", library="test")
        schemas = {
            compressed: writer.register_schema(f"sensor_msgs/msg/{name}", "ros2msg", b"")
            for compressed, name in ((False, "Image"), (True, "CompressedImage"))
        }
        for topic in silent:
            channels[topic] = writer.register_channel(topic, "cdr", schemas[False])
        for shot in shots:
            if shot.topic not in channels:
                schema = schemas[shot.compressed]
                channels[shot.topic] = writer.register_channel(shot.topic, "cdr", schema)
            time_ns = round(shot.received_s * 1e9)
            data = serialize_message(shot.message)
            writer.add_message(channels[shot.topic], time_ns, data, time_ns)
        writer.finish()
    return path
