"""The steps of a bag as the replay takes them, and a replay ring as a bag."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rclpy.serialization import deserialize_message, serialize_message

from mentor_common.bags.definitions import definition_of, message_class, type_name
from mentor_common.bags.metadata import BagTopic
from mentor_common.bags.qos import qos_to_yaml
from mentor_common.bags.reader import Bag, BagError
from mentor_common.bags.steps import step_of
from mentor_common.bags.writer import BagWriter
from mentor_common.messages import topics
from mentor_common.messages.experience import (
    action_data,
    nanoseconds_to_time,
    observation_pixels,
    observation_state,
)
from mentor_common.messages.frames import FrameLayout
from mentor_policy.replay.records import CONTEXT
from mentor_policy.replay.ring import ReplayRing
from mentor_policy.replay.step import Step
from mentor_policy.replay.step_messages import step_messages
from mentor_policy.replay.stored_step import stored_step

RECORD = "mentor"
"""Name of the metadata record with the origin of a recording."""
PARTS = {f"mentor_msgs/msg/{name}": name.lower() for name in ("Observation", "Action", "Reward")}
PERIOD = 100_000_000
"""Nanoseconds between two steps of a bag that is made from a ring, which keeps no time."""


@dataclass
class _Episode:
    """The messages of an episode that wait to become steps."""

    number: int
    parts: dict[tuple[str, int], Any] = field(default_factory=dict)
    next: int = 0
    newest: Any = None

    def steps(self, *, over: bool) -> Iterator[Step]:
        """Yield the steps that are complete; ``over``: nothing more comes."""
        while (step := self._step(over)) is not None:
            yield step

    def _step(self, over: bool) -> Step | None:
        number = self.next
        observation = self.parts.get(("observation", number))
        if number == 0:
            if observation is None:
                return None
            self.newest = self.parts.pop(("observation", 0))
            self.next = 1
            pixels, state = _seen(self.newest)
            return Step(self.number, 0, pixels, state=state)
        action = self.parts.get(("action", number - 1))
        reward = self.parts.get(("reward", number))
        if action is None or reward is None or (observation is None and not over):
            return None  # the rest may still come
        if observation is None and reward.valid:
            return None  # lost: what follows is no transition from what came before
        for key in (("observation", number), ("action", number - 1), ("reward", number)):
            self.parts.pop(key, None)
        self.newest = observation or self.newest
        self.next = number + 1
        pixels, state = _seen(self.newest)
        return Step(
            self.number,
            number,
            pixels,
            np.array(action_data(action)),
            float(reward.value),
            bool(reward.terminated),
            bool(reward.truncated),
            bool(reward.valid),
            bool(reward.success),
            state,
        )


def bag_steps(bag: Bag, first_episode: int = 0) -> Iterator[Step]:
    """Yield the steps of a bag's training episodes, numbered in the order of their beginning.

    Evaluation episodes are left out, and episodes whose beginning is not in the bag.

    Args:
        bag: bag of a cell or of a benchmark, any profile.
        first_episode: number of the first episode.

    Raises:
        BagError: the bag has no observations.
    """
    names = {name for name, topic in bag.topics.items() if topic.type in PARTS}
    if not any(bag.topics[name].type.endswith("Observation") for name in names):
        raise BagError(f"bag {bag.path} has no observations to learn from")
    evaluations = _evaluations(bag, names)
    episodes: dict[int, _Episode] = {}
    for message in bag.messages(names):
        key = step_of(message.data, message.type)
        if key.episode in evaluations:
            continue
        if key.episode not in episodes:
            for earlier in episodes.values():
                yield from earlier.steps(over=True)
            episodes = {key.episode: _Episode(first_episode)}
            first_episode += 1
        episode = episodes[key.episode]
        part = PARTS[message.type]
        decoded = deserialize_message(message.data, message_class(message.type))
        episode.parts.setdefault((part, key.step), decoded)
        yield from episode.steps(over=False)
    for episode in episodes.values():
        yield from episode.steps(over=True)


class BagSteps:
    """The steps of bags, one bag after the other, their episodes numbered on.

    Args:
        paths: of the bags, oldest first.
        first_episode: number of the first episode.

    Raises:
        BagError: one is no bag, or has no observations.
    """

    def __init__(self, paths: Sequence[Path], first_episode: int = 0) -> None:
        self.bags = [Bag(path) for path in paths]
        self._first = first_episode

    @property
    def most(self) -> int:
        """How many there are at most: each has an observation or a reward of its own."""
        return sum(
            bag.counts.get(name, 0)
            for bag in self.bags
            for name, topic in bag.topics.items()
            if PARTS.get(topic.type) in ("observation", "reward")
        )

    def __iter__(self) -> Iterator[Step]:
        episode = self._first
        for bag in self.bags:
            last = episode - 1
            for step in bag_steps(bag, episode):
                last = step.episode
                yield step
            episode = last + 1


def bag_layout(bag: Bag) -> tuple[FrameLayout, int, int]:
    """Return the layout of a bag's observations, the action's size and the state's.

    Raises:
        BagError: the bag has no observation or no action.
    """
    found: dict[str, Any] = {}
    for message in bag.messages({n for n, t in bag.topics.items() if t.type in PARTS}):
        part = PARTS[message.type]
        if part not in found:
            found[part] = deserialize_message(message.data, message_class(message.type))
        if "observation" in found and "action" in found:
            break
    else:
        raise BagError(f"bag {bag.path} has no observation and action")
    seen, described = found["observation"], bag.record(RECORD, "describe") or {}
    layout = FrameLayout(
        tuple(seen.cameras), seen.frames, seen.height, seen.width,
        bool(described.get("stacked", False)),
    )  # fmt: skip
    return layout, len(found["action"].data), len(seen.state)


def write_ring_as_bag(ring: ReplayRing, folder: Path, task: str = "") -> int:
    """Write the steps of a ring as a bag; return how many there are.

    A ring keeps no time: the stamps count up by a tenth of a second.

    Raises:
        BagWriteError: the folder holds a bag already, or the disk refuses.
    """
    writer = BagWriter(folder)
    for topic in (topics.OBSERVATION, topics.ACTION, topics.REWARD):
        kind = type_name(topic.type)
        writer.add_topic(
            BagTopic(f"/{topic.name}", kind, qos_to_yaml(topic.qos), definition_of(kind).hash)
        )
    writer.add_record(RECORD, {"describe": json.dumps({"stacked": ring.header.layout.stacked})})
    count = 0
    for number in range(ring.oldest, ring.count):
        if int(ring.records[ring.slot(number)]["flags"]) & CONTEXT:
            continue
        now = (number + 1) * PERIOD
        step, stamp = stored_step(ring, number), nanoseconds_to_time(now)
        messages = step_messages(step, ring.header.layout, stamp, task)
        if messages.action is not None:
            writer.write("/action", serialize_message(messages.action), now - PERIOD // 2)
        writer.write("/observation", serialize_message(messages.observation), now)
        if messages.reward is not None:
            writer.write("/reward", serialize_message(messages.reward), now)
        count += 1
    writer.close()
    return count


def _evaluations(bag: Bag, names: set[str]) -> set[int]:
    actions = {name for name in names if bag.topics[name].type.endswith("Action")}
    keys = (step_of(message.data, message.type) for message in bag.messages(actions))
    return {key.episode for key in keys if key.frame_id == topics.EVALUATION}


def _seen(message: Any) -> tuple[Any, Any]:
    state = np.array(observation_state(message)) if len(message.state) else None
    return np.array(observation_pixels(message)), state
