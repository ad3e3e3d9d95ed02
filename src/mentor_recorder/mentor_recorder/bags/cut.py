"""Cuts episodes out of a bag into a bag of their own."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mentor_common.bags.reader import Bag, BagError
from mentor_common.bags.steps import EPISODE_TYPES, step_of
from mentor_common.bags.writer import BagWriter
from mentor_recorder.bags.parameters import write_parameters
from mentor_recorder.bags.summary import RECORD

LATCHED = "transient_local"
MARGIN = 2_000_000_000
"""Nanoseconds before and after an episode from which what belongs to no episode is kept."""


def parse_episodes(text: str, known: Collection[int]) -> list[int]:
    """Return the episodes that a person means.

    Args:
        text: numbers and ranges of positions or episode numbers, e.g. ``0-2,5`` or ``8123456``;
            a number that is no episode's is a position in the bag, from 0, or from the end if it
            is negative.
        known: numbers of the episodes in the bag, in order.

    Raises:
        BagError: there is no such episode.
    """
    order = list(known)
    chosen: list[int] = []
    for word in text.split(","):
        first, dash, second = word.strip().partition("-") if word.strip()[:1] != "-" else (
            word.strip(), "", ""
        )  # fmt: skip
        try:
            begin = _position(int(first), order)
            end = _position(int(second), order) if dash else begin
        except (ValueError, IndexError):
            raise BagError(
                f"episodes '{text}': '{word}' is no episode of this bag, which has {len(order)}: "
                f"give positions from 0 to {len(order) - 1}, or numbers as `info --episodes` "
                "lists them"
            ) from None
        chosen += order[begin : end + 1]
    return list(dict.fromkeys(chosen))


def _position(number: int, order: list[int]) -> int:
    if number in order:
        return order.index(number)
    if number < 0:
        number += len(order)
    if not 0 <= number < len(order):
        raise IndexError(number)
    return number


def cut(bag: Bag, folder: Path, episodes: Collection[int]) -> int:
    """Write the messages of some episodes into a new bag.

    What belongs to no episode (images, poses, diagnostics) is kept from just before each episode to
    just after it; messages of transient local topics are kept from the beginning.

    Args:
        bag: to cut from.
        folder: folder of the new bag.
        episodes: numbers of the episodes.

    Returns:
        Messages written.

    Raises:
        BagWriteError: the folder holds a bag already, or the disk refuses.
    """
    spans = _spans(bag, set(episodes))
    writer = BagWriter(folder)
    for topic in bag.topics.values():
        writer.add_topic(topic)
    for name, values in bag.records.items():
        if name != "rosbag2":
            writer.add_record(name, values)
    count = 0
    for message in bag.messages():
        if message.type in EPISODE_TYPES:
            keep = step_of(message.data, message.type).episode in spans
        else:
            keep = any(begin <= message.log_time <= end for begin, end in spans.values())
            keep = keep or _is_state(bag, message.topic)
        if keep:
            writer.write(
                message.topic, message.data, message.log_time, message.publish_time,
                message.sequence,
            )  # fmt: skip
            count += 1
    writer.close()
    write_parameters(folder, bag.record(RECORD, "parameters") or {})
    return count


def _spans(bag: Bag, episodes: set[int]) -> dict[int, tuple[int, int]]:
    """Return the log times between which each episode lies, with a margin."""
    spans: dict[int, tuple[int, int]] = {}
    for message in bag.messages({n for n, t in bag.topics.items() if t.type in EPISODE_TYPES}):
        episode = step_of(message.data, message.type).episode
        if episode in episodes:
            begin, end = spans.get(episode, (message.log_time, message.log_time))
            spans[episode] = (min(begin, message.log_time), max(end, message.log_time))
    missing = episodes - set(spans)
    if missing:
        raise BagError(f"bag {bag.path} has no episode {sorted(missing)}")
    return {e: (begin - MARGIN, end + MARGIN) for e, (begin, end) in spans.items()}


def _is_state(bag: Bag, topic: str) -> bool:
    found = bag.topics[topic]
    return LATCHED in found.qos and bag.counts[topic] < 100
