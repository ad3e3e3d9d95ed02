"""Frames of a camera from an MCAP bag."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mentor_common.bags.reader import Bag, BagError
from mentor_common.bags.steps import stamp_of
from mentor_common.messages.images import image_to_rgb, resize
from mentor_common.messages.topics import camera_image
from mentor_reward.classifier.slots import IMAGE_SIZE, VIEWS, views_of


def bag_frames(
    bag: str | Path, camera: str, every_s: float, topic: str = ""
) -> Iterator[np.ndarray]:
    """Yield the views of a slot camera from a bag.

    A sample is the camera's frame with the newest frames of the other cameras of VIEWS, which are
    at most one camera period older; their topics are looked up under their usual names in the
    namespace of the camera's own.

    Args:
        bag: the .mcap file, or the folder of a rosbag2 recording.
        camera: the slot camera.
        every_s: least distance of two samples by their images' stamps, seconds: a twin's clock
            may run at another pace than the recorder's. Images without a stamp count by the time at
            which they were recorded.
        topic: name of the image topic; empty: what ends in camera/<camera>/color/image_raw.

    Yields:
        (3, 84, 84) uint8, or (6, 84, 84) where the bag has the other slot camera, or (9, 84, 84)
        where it has the side camera, too: see views_of.

    Raises:
        BagError: there is no .mcap file, or the bag lacks the topic; its topics are named.
    """
    ending = topic or camera_image(camera).name
    recorded = Bag(bag)
    known = sorted(recorded.topics)
    names = [name for name in known if name.endswith(ending)]
    if not names:
        raise BagError(f"{bag} has no topic ending in '{ending}'; it has {known}")
    cameras = dict.fromkeys(names, camera)
    cameras |= _beside(camera, names, known)
    wanted, newest = set(cameras.values()), dict[str, bytes]()
    last_s: float | None = None
    for message in recorded.messages(cameras):
        newest[cameras[message.topic]] = message.data
        if message.topic not in names or len(newest) < len(wanted):
            continue
        time_s = (stamp_of(message.data) or message.log_time) / 1e9
        # A stamp that goes back starts again: the cell was restarted.
        if last_s is None or not last_s <= time_s < last_s + every_s:
            last_s = time_s
            yield views_of(camera, {name: _frame(newest[name]) for name in wanted})


def _beside(camera: str, names: list[str], known: list[str]) -> dict[str, str]:
    """Return the topics of the other cameras of VIEWS, with each one's camera."""
    usual = camera_image(camera).name
    found = {
        name.removesuffix(usual) + camera_image(other).name: other
        for name in names
        if name.endswith(usual)
        for other in VIEWS[camera][1:]
    }
    return {topic: other for topic, other in found.items() if topic in known}


def _frame(data: bytes) -> np.ndarray:
    from rclpy.serialization import deserialize_message
    from sensor_msgs.msg import Image

    rgb = image_to_rgb(deserialize_message(data, Image))
    return resize(rgb, IMAGE_SIZE, IMAGE_SIZE).transpose(2, 0, 1)
