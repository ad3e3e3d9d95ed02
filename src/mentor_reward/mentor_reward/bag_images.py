"""Frames of a camera from an MCAP bag."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mentor_common.images import image_to_rgb, resize
from mentor_common.topics import camera_image
from mentor_reward.slots import IMAGE_SIZE, SLOTS


def bag_frames(
    bag: str | Path, camera: str, every_s: float, topic: str = ""
) -> Iterator[np.ndarray]:
    """Frames of a camera's image topic, at least ``every_s`` seconds apart, uint8.

    (6, 84, 84) where the bag has the other slot camera too: with the newest frame of that one,
    which is late by a period of the camera at most; else (3, 84, 84). It is found beside the
    camera's own topic, under its usual name.

    Raises:
        FileNotFoundError: there is no .mcap file.
        ValueError: the bag lacks the topic; the message names those it has.
    """
    from mcap.reader import make_reader

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
            usual = camera_image(camera).name
            beside = [
                name.removesuffix(usual) + camera_image(other).name
                for name in names
                if name.endswith(usual)
                for other in SLOTS
                if other != camera
            ]
            beside = [name for name in beside if name in known]
            last_s, other_image = -np.inf, None
            for _, channel, message in reader.iter_messages(topics=[*names, *beside]):
                if channel.topic in beside:
                    other_image = message.data
                    continue
                time_s = message.log_time / 1e9
                if time_s - last_s < every_s or (beside and other_image is None):
                    continue
                last_s = time_s
                images = [message.data, other_image] if beside else [message.data]
                yield np.concatenate([_frame(image) for image in images])


def _frame(data: bytes) -> np.ndarray:
    from rclpy.serialization import deserialize_message
    from sensor_msgs.msg import Image

    rgb = image_to_rgb(deserialize_message(data, Image))
    return resize(rgb, IMAGE_SIZE, IMAGE_SIZE).transpose(2, 0, 1)
