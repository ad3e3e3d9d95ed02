"""All that a bag has of each step of an episode, put together by (episode, step)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rclpy.serialization import deserialize_message

from mentor_common.bags.definitions import message_class
from mentor_common.bags.reader import Bag, BagError
from mentor_common.bags.steps import STEP_TYPES, step_of

PARTS = {
    "mentor_msgs/msg/Observation": "observation",
    "mentor_msgs/msg/Action": "action",
    "mentor_msgs/msg/Motion": "motion",
    "mentor_msgs/msg/Reward": "reward",
    "mentor_msgs/msg/GroundTruth": "ground_truth",
    "mentor_msgs/msg/ExpertUsage": "experts",
}


@dataclass
class BagStep:
    """What is known of one step; None where the bag has nothing.

    ``action`` and ``experts`` are those that answered this step's observation and led to the next.
    """

    episode: int
    step: int
    log_time: int
    observation: Any = None
    action: Any = None
    motion: Any = None
    reward: Any = None
    ground_truth: Any = None
    experts: Any = None


def episode_steps(bag: Bag, episode: int) -> list[BagStep]:
    """Return the steps of an episode in order.

    Raises:
        BagError: the bag has no such episode.
    """
    steps: dict[int, BagStep] = {}
    names = {name for name, topic in bag.topics.items() if topic.type in PARTS}
    for message in bag.messages(names):
        if message.type not in STEP_TYPES:
            continue
        key = step_of(message.data, message.type)
        if key.episode != episode:
            continue
        step = steps.setdefault(key.step, BagStep(episode, key.step, message.log_time))
        part = PARTS[message.type]
        if getattr(step, part) is None:
            setattr(step, part, deserialize_message(message.data, message_class(message.type)))
    if not steps:
        raise BagError(f"bag {bag.path} has no episode {episode}")
    return [steps[number] for number in sorted(steps)]
