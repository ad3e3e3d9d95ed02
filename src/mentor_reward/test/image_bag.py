"""Bags of camera images, as a recorder writes them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from builtin_interfaces.msg import Time
from mcap.writer import CompressionType, Writer
from rclpy.serialization import serialize_message

from mentor_common.messages.images import array_to_image


class Shot(NamedTuple):
    """An image of a camera.

    Args:
        camera: name of the camera.
        received_s: when the recorder received it, seconds.
        pixels: (H, W, 3) uint8 RGB.
        stamp: stamp of the message; None: none.
    """

    camera: str
    received_s: float
    pixels: np.ndarray
    stamp: Time | None = None


def write_shots(path: Path, shots: Iterable[Shot]) -> Path:
    """Write images in this order, each on the usual topic of its camera in the namespace cell_a."""
    channels: dict[str, int] = {}
    with path.open("wb") as stream:
        writer = Writer(stream, compression=CompressionType.ZSTD)
        writer.start(profile="ros2", library="test")
        schema = writer.register_schema("sensor_msgs/msg/Image", "ros2msg", b"")
        for shot in shots:
            topic = f"/cell_a/camera/{shot.camera}/color/image_raw"
            if topic not in channels:
                channels[topic] = writer.register_channel(topic, "cdr", schema)
            data = serialize_message(array_to_image(shot.pixels, "rgb8", stamp=shot.stamp))
            time_ns = round(shot.received_s * 1e9)
            writer.add_message(channels[topic], time_ns, data, time_ns)
        writer.finish()
    return path
