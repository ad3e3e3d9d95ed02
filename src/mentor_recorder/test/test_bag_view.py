"""What the page shows of a bag: every step, and pictures or the reason why there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage
from small_bags import LAYOUT, bag_topic

from mentor_common.bags.reader import Bag
from mentor_common.bags.writer import BagWriter
from mentor_common.messages import topics
from mentor_common.messages.experience import (
    nanoseconds_to_time,
    observation_message,
    reward_message,
)
from mentor_common.messages.images import array_to_image
from mentor_common.messages.topics import Topic
from mentor_common.node.camera_images import compressed_images
from mentor_msgs.msg import GroundTruth
from mentor_recorder.monitor import bag_view
from mentor_recorder.monitor.bag_view import BagIndex
from mentor_recorder.monitor.cell_view import STEPS, CellView

SECOND = 1_000_000_000


def write_bag(folder: Path, messages: list[tuple[Topic, Any]]) -> Bag:
    """Write messages, 1 s apart, into a bag of the cable cell."""
    writer = BagWriter(folder)
    writer.add_record("mentor", {"task": '"cable_routing"'})
    for number, (topic, message) in enumerate(messages):
        made = bag_topic(topic)
        writer.add_topic(made)
        writer.write(made.name, serialize_message(message), (number + 1) * SECOND)
    writer.close()
    return Bag(folder)


def rewards(count: int) -> list[tuple[Topic, Any]]:
    return [
        (topics.REWARD, reward_message(0.5, 101, step, nanoseconds_to_time(step)))
        for step in range(1, count + 1)
    ]


def test_every_step_of_a_long_episode_is_on_the_timeline(tmp_path: Path) -> None:
    count = STEPS + 10
    won = GroundTruth(episode=101, step=2, success=True)
    bag = write_bag(tmp_path / "bag", [*rewards(count), (topics.GROUND_TRUTH, won)])
    (episode,) = BagIndex(bag).as_json()["episodes"]
    assert [entry["step"] for entry in episode["steps"]] == list(range(1, count + 1))
    assert episode["return"] == sum(entry["reward"] for entry in episode["steps"])
    contradicted = [entry["step"] for entry in episode["steps"] if "contradicted" in entry]
    assert contradicted == [2]


def test_a_note_on_a_step_that_is_not_there_makes_no_step(tmp_path: Path, monkeypatch: Any) -> None:
    found = bag_view.check_cell(bag := write_bag(tmp_path / "bag", rewards(3)))
    found.contradicted[101, 7] = "success True, by the ground truth False"
    monkeypatch.setattr(bag_view, "check_cell", lambda _: found)
    (episode,) = BagIndex(bag).as_json()["episodes"]
    assert [entry["step"] for entry in episode["steps"]] == [1, 2, 3]


def test_the_live_view_remembers_the_newest_steps() -> None:
    view = CellView(steps=5)
    for _, message in rewards(9):
        view.on_reward(message)
    assert [e["step"] for e in view.state(0.0)["episode"]["steps"]] == [5, 6, 7, 8, 9]


def test_an_image_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    raw, broken = topics.camera_image("slot_1"), topics.camera_image("side")
    pixels = np.full((48, 64, 3), (200, 100, 50), np.uint8)
    packed = CompressedImage(format="jpeg", data=cv2.imencode(".jpg", pixels)[1].tobytes())
    strange = array_to_image(pixels, "rgb8")
    strange.encoding = "no_encoding"
    stamp = nanoseconds_to_time(SECOND)
    good = observation_message(np.zeros(LAYOUT.shape, np.uint8), LAYOUT, 101, 0, stamp)
    short = observation_message(np.zeros(LAYOUT.shape, np.uint8), LAYOUT, 101, 1, stamp)
    short.frames = 5
    bag = write_bag(
        tmp_path / "bag",
        [
            (raw, array_to_image(pixels, "rgb8")), (broken, strange),
            (compressed_images(topics.camera_image("slot_2")), packed),
            (topics.OBSERVATION, good), (topics.OBSERVATION, short),
        ],
    )  # fmt: skip
    index = BagIndex(bag)
    found = index.step(101, 0)
    assert found["observation"].startswith("data:image/jpeg;base64,")
    assert set(found["cameras"]) == {"slot_1", "slot_2"}
    (reason,) = found["unreadable"]
    assert reason.startswith("camera side: ") and "no_encoding" in reason
    found = index.step(101, 1)
    assert found["observation"] is None and set(found["cameras"]) == {"slot_2"}
    assert any(text.startswith("observation: ") for text in found["unreadable"])
