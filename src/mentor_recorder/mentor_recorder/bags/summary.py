"""What is in a bag, as text for a person."""

from __future__ import annotations

from dataclasses import dataclass, field

from rclpy.serialization import deserialize_message

from mentor_common.bags.definitions import message_class
from mentor_common.bags.reader import Bag
from mentor_common.bags.steps import STEP_TYPES, step_of

RECORD = "mentor"
"""Name of the metadata record with the origin of a recording."""
ACTION = "mentor_msgs/msg/Action"


@dataclass
class Episodes:
    """The episodes of a bag in the order in which they began, with their highest step."""

    steps: dict[int, int] = field(default_factory=dict)
    purposes: dict[int, str] = field(default_factory=dict)
    successes: dict[int, bool] = field(default_factory=dict)


def episodes_of(bag: Bag) -> Episodes:
    """Return the episodes that a bag has actions, motions or rewards of."""
    found = Episodes()
    small = {
        name
        for name, topic in bag.topics.items()
        if topic.type in STEP_TYPES and not topic.type.endswith("Observation")
    }
    for message in bag.messages(small):
        try:
            key = step_of(message.data, message.type)
        except ValueError:
            continue
        reached = key.step + message.type.endswith("Action")
        found.steps[key.episode] = max(found.steps.get(key.episode, 0), reached)
        if message.type.endswith("Action"):
            found.purposes[key.episode] = key.frame_id
    return found


def describe(bag: Bag) -> list[str]:
    """Return the lines that ``info`` prints."""
    size = sum(file.path.stat().st_size for file in bag.files)
    seconds = (bag.end - bag.start) / 1e9
    lines = [
        f"bag {bag.path}: {sum(bag.counts.values())} messages in {seconds:.1f} s, "
        f"{len(bag.files)} file(s), {size / 1e6:.1f} MB"
    ]
    for file in bag.files:
        if not file.whole:
            lines.append(f"  {file.path.name}: not closed ({file.problem}); `repair` mends it")
    width = max((len(name) for name in bag.topics), default=0)
    for name, topic in sorted(bag.topics.items()):
        lines.append(f"  {name:<{width}}  {bag.counts[name]:>7}  {topic.type}")
    episodes = episodes_of(bag)
    if episodes.steps:
        evaluations = sum(purpose == "evaluation" for purpose in episodes.purposes.values())
        lines.append(
            f"  episodes: {len(episodes.steps)} ({evaluations} of them evaluation), "
            f"{sum(episodes.steps.values())} steps"
        )
    return [*lines, *_weights(bag), *_origin(bag)]


def _weights(bag: Bag) -> list[str]:
    """Return a line for the weights of each run that chose actions: versions, and their hash."""
    actions = {name for name, topic in bag.topics.items() if topic.type == ACTION}
    versions: dict[tuple[str, str], list[int]] = {}
    for message in bag.messages(actions):
        action = deserialize_message(message.data, message_class(message.type))
        if action.run_id:
            key = action.run_id, action.weights_sha256
            versions.setdefault(key, []).append(int(action.weights_version))
    lines = []
    for (run, digest), found in versions.items():
        first, last = min(found), max(found)
        numbers = f"version {first}" if first == last else f"versions {first} to {last}"
        proof = f"sha256 {digest}" if digest else "no hash, as each update changes them"
        lines.append(f"  weights of run {run}: {numbers} chose {len(found)} actions, {proof}")
    return lines


def _origin(bag: Bag) -> list[str]:
    record = bag.records.get(RECORD)
    if not record:
        return ["  origin: unknown (not of this project's recorder)"]
    lines = []
    for key in ("task", "profile", "commit", "machine"):
        value = bag.record(RECORD, key)
        if value:
            lines.append(f"  {key}: {value}")
    versions = bag.record(RECORD, "versions") or {}
    if versions:
        lines.append("  versions: " + ", ".join(f"{k} {v}" for k, v in sorted(versions.items())))
    for path, digest in sorted((bag.record(RECORD, "code") or {}).items()):
        if path.endswith(".safetensors"):
            lines.append(f"  weights {path}: sha256 {digest}")
    for path, digest in sorted((bag.record(RECORD, "inputs") or {}).items()):
        lines.append(f"  input: {path} sha256 {digest}")
    return lines
