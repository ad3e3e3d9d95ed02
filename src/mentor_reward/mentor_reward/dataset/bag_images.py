"""Frames of a camera from an MCAP bag."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mentor_common.bags.definitions import message_class
from mentor_common.bags.reader import Bag, BagError, BagMessage
from mentor_common.bags.steps import stamp_of
from mentor_common.messages.image_reader import ImageReader
from mentor_common.messages.images import ImageError
from mentor_common.messages.topics import camera_image
from mentor_common.tasks.cameras import Camera
from mentor_reward.classifier.slots import VIEWS, views_of
from mentor_reward.dataset.slot_frame import slot_frame

FARTHEST = 0.1
"""Seconds between a frame and those of other cameras that are shown beside it, at most."""
COMPRESSED = "/compressed"
"""What image_transport appends to the name of a topic, for the same images as JPEG or PNG."""
IMAGE_TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")


class _Image(NamedTuple):
    """An image message."""

    time_s: float
    type: str
    data: bytes

    def distance_to(self, other: _Image) -> float:
        """Return the seconds between two images."""
        return abs(self.time_s - other.time_s)


def bag_frames(
    bag: str | Path,
    camera: str,
    cameras: Mapping[str, Camera],
    every_s: float,
    topic: str = "",
    log: Callable[[str], None] = print,
) -> Iterator[np.ndarray]:
    """Yield the views of a slot camera from a bag.

    A sample is the camera's frame with the nearest frames of the other cameras of VIEWS that both
    the bag and ``cameras`` have. Their topics are looked up under their usual names in the
    namespace of the camera's own. If one of them lies farther than FARTHEST from the camera's
    frame, that frame is left out. Where a raw topic has no images, its compressed one is read.

    Args:
        bag: the .mcap file, or the folder of a rosbag2 recording.
        camera: the slot camera.
        cameras: cameras as they stand in the cell, by name; the slot camera at least.
        every_s: least distance of two samples by their images' stamps, seconds: a twin's clock
            may run at another pace than the recorder's. Images without a stamp count by the time at
            which they were recorded.
        topic: name of the image topic; empty: what ends in camera/<camera>/color/image_raw.
        log: called at the end with a line for each camera for want of whose frames some were left
            out.

    Yields:
        (3, 84, 84) uint8, or (6, 84, 84) where the bag has the other slot camera, or (9, 84, 84)
        where it has the side camera, too: see views_of.

    Raises:
        BagError: there is no .mcap file, or the bag lacks the topic; its topics are named.
        ValueError: an image is unreadable, or neither a capture nor the region that is used.
    """
    recorded = Bag(bag)
    topics = _topics(recorded, camera, topic or camera_image(camera).name)
    read = {name: known for name, known in topics.items() if known in cameras}
    images = (
        (read[message.topic], _Image(_seconds(message), message.type, message.data))
        for message in recorded.messages(read)
    )
    reader, left_out = ImageReader(), Counter[str]()
    last_s: float | None = None
    for sample in _samples(camera, images):
        time_s = sample[camera].time_s
        # A stamp that goes back starts again: the cell was restarted.
        if last_s is not None and last_s <= time_s < last_s + every_s:
            continue
        missing = [
            name
            for name in set(read.values())
            if name not in sample or sample[name].distance_to(sample[camera]) > FARTHEST
        ]
        left_out.update(missing)
        if not missing:
            last_s = time_s
            frames = {name: _frame(one, cameras[name], reader) for name, one in sample.items()}
            yield views_of(camera, frames)
    for name, number in sorted(left_out.items()):
        log(f"{number} images of {camera} are left out: none of {name} within {FARTHEST:g} s")


def _seconds(message: BagMessage) -> float:
    return (stamp_of(message.data) or message.log_time) / 1e9


def _samples(camera: str, images: Iterable[tuple[str, _Image]]) -> Iterator[dict[str, _Image]]:
    """Yield each image of a camera with the nearest of each other one, by camera.

    The nearest is searched for up to the camera's next image.
    """
    newest: dict[str, _Image] = {}
    sample: dict[str, _Image] = {}
    for name, image in images:
        newest[name] = image
        if name == camera:
            if sample:
                yield sample
            sample = dict(newest)
        elif sample:
            sample[name] = min(sample.get(name, image), image, key=sample[camera].distance_to)
    if sample:
        yield sample


def _topics(bag: Bag, camera: str, ending: str) -> dict[str, str]:
    """Return the image topics of a slot camera and of the others of VIEWS, with each one's camera.

    Args:
        bag: the bag.
        camera: the slot camera.
        ending: what the names of its topics end in, but for COMPRESSED.

    Raises:
        BagError: there is none.
    """
    images = {name for name, topic in bag.topics.items() if topic.type in IMAGE_TYPES}

    def held(raw: str) -> str:
        """Return the topic with the images of a raw one; empty: there is none."""
        both = [name for name in (raw, raw + COMPRESSED) if name in images]
        return max(both, key=lambda name: bag.counts[name] > 0, default="")

    raws = {name if name.endswith(ending) else name.removesuffix(COMPRESSED) for name in images}
    names = sorted(held(raw) for raw in raws if raw.endswith(ending))
    if not names:
        wanted = f"'{ending}'"
        wanted += "" if ending.endswith(COMPRESSED) else f" or '{ending}{COMPRESSED}'"
        raise BagError(
            f"{bag.path} has no image topic ending in {wanted}; it has {sorted(bag.topics)}"
        )
    usual = camera_image(camera).name
    beside = {
        held(raw.removesuffix(usual) + camera_image(other).name): other
        for raw in (name.removesuffix(COMPRESSED) for name in names)
        if raw.endswith(usual)
        for other in VIEWS[camera][1:]
    }
    found = {topic: other for topic, other in beside.items() if topic}
    return dict.fromkeys(names, camera) | found


def _frame(image: _Image, camera: Camera, reader: ImageReader) -> np.ndarray:
    from rclpy.serialization import deserialize_message

    message = deserialize_message(image.data, message_class(image.type))
    try:
        pixels = reader.rgb(message)
    except ImageError as error:
        where = f"camera '{camera.name}', image at {image.time_s:.3f} s"
        raise ValueError(f"{where}: {error}") from error
    return slot_frame(pixels, camera)
