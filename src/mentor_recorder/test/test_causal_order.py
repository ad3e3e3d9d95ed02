"""What a comparison feeds comes in the order in which a cell makes it."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
from rclpy.serialization import serialize_message
from small_bags import write_cell_bag

from mentor_common.bags.reader import Bag, BagMessage
from mentor_common.bags.steps import step_of
from mentor_common.messages.experience import nanoseconds_to_time
from mentor_common.messages.images import array_to_image
from mentor_recorder.replay.causal_order import PARTS, in_causal_order, part_of

EPISODES = (101, 102)


def image(camera: str, stamp: int) -> BagMessage:
    pixels = np.zeros((2, 2, 3), np.uint8)
    data = serialize_message(array_to_image(pixels, "rgb8", nanoseconds_to_time(stamp)))
    topic = f"/camera/{camera}/color/image_raw"
    return BagMessage(topic, "sensor_msgs/msg/Image", data, stamp, stamp, 0)


def test_a_shuffled_bag_is_put_into_order_whole(tmp_path: Path) -> None:
    write_cell_bag(tmp_path / "bag", EPISODES, leave_out=[("observation", 101, 2)])
    made = list(Bag(tmp_path / "bag").messages())
    motions = [message for message in made if message.type.endswith("/Motion")]
    ends = {part_of(m): step_of(m.data, m.type).stamp for m in motions}
    images = [image("court", end + 1_000_000) for end in ends.values()]
    shuffled = [*made, made[0], *images]  # one message is there twice
    random.Random(0).shuffle(shuffled)
    ordered = list(in_causal_order(shuffled, shuffled))
    assert sorted(map(id, ordered)) == sorted(map(id, shuffled)), "nothing is lost or repeated"
    for episode in EPISODES:
        parts = [p for m in ordered if (p := part_of(m)) is not None and p[0] == episode]
        assert list(dict.fromkeys(parts)) == sorted(set(parts)), "each part once before the next"
    places = {id(message): place for place, message in enumerate(ordered)}
    for frame, motion in zip(images, motions, strict=True):
        assert places[id(frame)] < places[id(motion)], "the image comes before its motion"
    assert PARTS[0] == "Motion"
