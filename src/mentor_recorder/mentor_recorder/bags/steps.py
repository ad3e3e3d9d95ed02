"""All that a bag has of each step of an episode, put together by (episode, step)."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from rclpy.serialization import deserialize_message

from mentor_common.bags.definitions import message_class
from mentor_common.bags.reader import Bag, BagError
from mentor_common.bags.steps import step_of
from mentor_common.messages.join import JoinedStep, StepJoin

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


def recorded_steps(
    bag: Bag, types: Collection[str], episode: int | None = None
) -> list[JoinedStep]:
    """Return what a bag has of each step, in the order in which the steps begin in its log.

    The part of a message is the name of its type; one without a step, which begins an episode, is
    of step 0. Of two messages of one part and step the first one counts.

    Args:
        bag: read to its end: only then is it known that nothing more of a step comes.
        types: names of the message types, of ``EPISODE_TYPES``.
        episode: the only one to be read; None: all.
    """
    join = StepJoin(tuple(types), needs=lambda _: None, pending=sys.maxsize)
    for message in bag.messages(
        {name for name, topic in bag.topics.items() if topic.type in types}
    ):
        key = step_of(message.data, message.type)
        if episode in (None, key.episode):
            decoded = deserialize_message(message.data, message_class(message.type))
            join.add(message.type, key.episode, max(key.step, 0), decoded, message.log_time)
    return list(join)


def episode_steps(bag: Bag, episode: int) -> list[BagStep]:
    """Return the steps of an episode in order.

    Raises:
        BagError: the bag has no such episode.
    """
    steps = [
        BagStep(
            *joined.key,
            int(joined.since),
            **{PARTS[name]: message for name, message in joined.parts.items()},
        )
        for joined in recorded_steps(bag, PARTS, episode)
    ]
    if not steps:
        raise BagError(f"bag {bag.path} has no episode {episode}")
    return sorted(steps, key=lambda step: step.step)
