"""Bags of a few small steps, as a cell would have published them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from rclpy.serialization import serialize_message

from mentor_common.bags.definitions import definition_of, type_name
from mentor_common.bags.metadata import BagTopic
from mentor_common.bags.qos import qos_to_yaml
from mentor_common.bags.writer import BagWriter
from mentor_common.messages import topics
from mentor_common.messages.experience import (
    action_message,
    nanoseconds_to_time,
    observation_message,
    reward_message,
)
from mentor_common.messages.frames import FrameLayout
from mentor_msgs.msg import Motion

LAYOUT = FrameLayout(("side", "slot_1", "slot_2"), 3, 84, 84, False)
PERIOD = 500_000_000
"""Nanoseconds of a step."""


def episode_messages(
    episode: int, steps: int, layout: FrameLayout = LAYOUT
) -> Iterable[tuple[topics.Topic, Any, int]]:
    """Yield topic, message and step of an episode, in the order in which they are published."""
    random = np.random.default_rng(episode)
    for step in range(steps + 1):
        stamp = nanoseconds_to_time(episode * 100_000_000_000 + step * PERIOD)
        if step:
            action = action_message(random.uniform(-1, 1, 2), episode, step - 1, stamp)
            action.run_id, action.weights_version = "toy-0", episode
            yield topics.ACTION, action, step - 1
        motion = Motion(episode=episode, step=step, begin=stamp, end=stamp)
        motion.normalized = [0.1 * (step % 10), 0.5]
        motion.header.stamp = stamp
        yield topics.MOTION, motion, step
        pixels = random.integers(0, 255, layout.shape, np.uint8)
        pixels[..., step % layout.width] = 255
        observation = observation_message(pixels, layout, episode, step, stamp, task="toy")
        yield topics.OBSERVATION, observation, step
        if step:
            terms = {"slot_1": -1.0 + step % 3, "slot_2": 0.5}
            reward = reward_message(
                sum(terms.values()), episode, step, stamp, terms=terms,
                truncated=step == steps, success=step == steps,
                states={"slot_1": float(step % 3), "slot_1_probability": 0.75},
            )  # fmt: skip
            yield topics.REWARD, reward, step


def bag_topic(topic: topics.Topic, namespace: str = "") -> BagTopic:
    """Return a topic as a bag has it."""
    kind = type_name(topic.type)
    name = f"{namespace}/{topic.name}" if not topic.name.startswith("/") else topic.name
    return BagTopic(name, kind, qos_to_yaml(topic.qos), definition_of(kind).hash)


def write_cell_bag(
    folder: Path,
    episodes: Iterable[int] = (101, 102, 103),
    steps: int = 4,
    *,
    leave_out: Iterable[tuple[str, int, int]] = (),
    repeat: Iterable[tuple[str, int, int]] = (),
    close: bool = True,
) -> BagWriter:
    """Write a bag of a cell; ``leave_out`` and ``repeat`` name topic, episode and step."""
    writer = BagWriter(folder)
    left_out, repeated, now = set(leave_out), set(repeat), 1_700_000_000_000_000_000
    for topic in (topics.OBSERVATION, topics.ACTION, topics.MOTION, topics.REWARD):
        writer.add_topic(bag_topic(topic))
    writer.add_record("mentor", {"task": '"toy"', "commit": '"0123abc"'})
    for episode in episodes:
        now += 60_000_000_000  # a reset
        for topic, message, step in episode_messages(episode, steps):
            key = (topic.name, episode, step)
            now += PERIOD // 4
            for _ in range((key not in left_out) + (key in repeated)):
                writer.write(f"/{topic.name}", serialize_message(message), now)
    if close:
        writer.close()
    else:
        writer.flush()
    return writer
