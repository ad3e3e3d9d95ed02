"""Frames of a camera from an MCAP bag."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mentor_common.images import image_to_rgb, resize
from mentor_common.topics import camera_image
from mentor_reward.slots import IMAGE_SIZE


def bag_frames(
    bag: str | Path, camera: str, every_s: float, topic: str = ""
) -> Iterator[np.ndarray]:
    """Frames (3, 84, 84) uint8 of a camera's image topic, at least ``every_s`` seconds apart.

    Raises:
        FileNotFoundError: there is no .mcap file.
        ValueError: the bag lacks the topic; the message names those it has.
    """
    from mcap.reader import make_reader
    from rclpy.serialization import deserialize_message
    from sensor_msgs.msg import Image

    ending = topic or camera_image(camera).name
    path = Path(bag)
    files = sorted(path.glob("*.mcap")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise FileNotFoundError(f"{bag} is no MCAP bag: no .mcap file there")
    for file in files:
        with file.open("rb") as stream:
            reader = make_reader(stream)
            summary = reader.get_summary()
            known = sorted({c.topic for c in summary.channels.values()}) if summary else []
            names = [name for name in known if name.endswith(ending)]
            if not names:
                raise ValueError(f"{file} has no topic ending in '{ending}'; it has {known}")
            last_s = -np.inf
            for _, _, message in reader.iter_messages(topics=names):
                time_s = message.log_time / 1e9
                if time_s - last_s < every_s:
                    continue
                last_s = time_s
                rgb = image_to_rgb(deserialize_message(message.data, Image))
                yield resize(rgb, IMAGE_SIZE, IMAGE_SIZE).transpose(2, 0, 1)
