"""The steps of a bag as the replay takes them, and a replay ring as a bag."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
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
from mentor_common.messages.join import StepJoin, StepKey
from mentor_policy.replay.records import CONTEXT
from mentor_policy.replay.ring import ReplayRing
from mentor_policy.replay.step import Step
from mentor_policy.replay.step_messages import step_messages
from mentor_policy.replay.stored_step import stored_step

RECORD = "mentor"
"""Name of the metadata record with the origin of a recording."""
OBSERVATION, ACTION, REWARD = "observation", "action", "reward"
PARTS = {f"mentor_msgs/msg/{part.capitalize()}": part for part in (OBSERVATION, ACTION, REWARD)}
PENDING = 256
"""Steps that wait for the rest of their messages at most."""
PERIOD = 100_000_000
"""Nanoseconds between two steps of a bag that is made from a ring, which keeps no time."""


class RecordedSteps:
    """Joins the messages of a bag, in the order of its log, to the steps of its episodes.

    An episode begins with the observation of step 0 and is over when the next one begins. Messages
    of an episode whose beginning is not in the bag become no step.

    Args:
        first_episode: number of the first episode as a replay numbers it; the others follow it.
    """

    def __init__(self, first_episode: int = 0) -> None:
        self.join = StepJoin(
            (OBSERVATION, ACTION, REWARD),
            needs=lambda step: None,  # a fault ends an episode without an observation
            pending=PENDING,
            ordered=True,
        )
        self._number = first_episode - 1
        self._next: StepKey | None = None
        self._newest: Any = None

    def add(self, message: Any) -> Iterator[Step]:
        """Take an Observation, an Action or a Reward; yield the steps that leave with it."""
        part = type(message).__name__.lower()
        key = StepKey(int(message.episode), int(message.step) + (part == ACTION))
        if not self.join.add(part, *key, message):
            return
        if part == OBSERVATION and key.step == 0:
            yield from self.end()
            self._next, self._number = key, self._number + 1
        yield from self._leave(over=False)

    def end(self) -> Iterator[Step]:
        """Yield what is left of the episode: nothing more comes of it."""
        yield from self._leave(over=True)
        if self._next is not None:
            over = self._next.episode
            self.join.drop(lambda key: key.episode == over)
            self._next = None

    def _leave(self, *, over: bool) -> Iterator[Step]:
        while self._next is not None and (waiting := self.join.waiting(*self._next)) is not None:
            if not self._is_complete(waiting.parts, over):
                return
            self.join.finish(*self._next)
            self._newest = waiting.parts.get(OBSERVATION, self._newest)
            yield self._step(self._next.step, waiting.parts)
            self._next = StepKey(self._next.episode, self._next.step + 1)

    def _is_complete(self, parts: Mapping[str, Any], over: bool) -> bool:
        if self._next is not None and self._next.step == 0:
            return OBSERVATION in parts
        if ACTION not in parts or REWARD not in parts:
            return False
        # Where an observation is lost and no fault says so, what follows is no transition.
        return OBSERVATION in parts or (over and not parts[REWARD].valid)

    def _step(self, step: int, parts: Mapping[str, Any]) -> Step:
        pixels, state = _seen(self._newest)
        if step == 0:
            return Step(self._number, 0, pixels, state=state)
        reward = parts[REWARD]
        return Step(
            self._number,
            step,
            pixels,
            np.array(action_data(parts[ACTION])),
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
    steps = RecordedSteps(first_episode)
    for message in bag.messages(names):
        if step_of(message.data, message.type).episode not in evaluations:
            yield from steps.add(deserialize_message(message.data, message_class(message.type)))
    yield from steps.end()


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
            if PARTS.get(topic.type) in (OBSERVATION, REWARD)
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
        damaged = not ring.there(np.array([number]))[0]
        if damaged or int(ring.records[ring.slot(number)]["flags"]) & CONTEXT:
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
