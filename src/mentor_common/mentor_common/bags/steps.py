"""Episode and step of a message of experience, from its CDR bytes alone."""

from __future__ import annotations

import struct
from typing import NamedTuple

_HEADER = 4
_NAMES = ("Observation", "Action", "Motion", "Reward", "GroundTruth", "ExpertUsage")
STEP_TYPES = frozenset(f"mentor_msgs/msg/{name}" for name in _NAMES)
"""Types that begin with a header, an episode and a step."""
EPISODE_TYPES = STEP_TYPES | {"mentor_msgs/msg/EpisodeStart"}
"""Types that begin with a header and an episode."""


class StepKey(NamedTuple):
    """What a message of experience belongs to."""

    stamp: int
    """``header.stamp``, nanoseconds."""
    frame_id: str
    episode: int
    step: int
    """-1 where the type has none."""


def stamp_of(data: bytes) -> int:
    """Read the stamp of a message that begins with a header, nanoseconds.

    Args:
        data: CDR bytes with their encapsulation header.

    Raises:
        ValueError: the bytes end too early.
    """
    try:
        seconds, nanoseconds = struct.unpack_from("<iI" if data[1] else ">iI", data, _HEADER)
    except (struct.error, IndexError) as error:
        raise ValueError(f"{len(data)} bytes are too few for a header") from error
    return int(seconds * 1_000_000_000 + nanoseconds)


def step_of(data: bytes, message_type: str) -> StepKey:
    """Read header, episode and step.

    Args:
        data: CDR bytes with their encapsulation header.
        message_type: one of ``EPISODE_TYPES``.

    Raises:
        ValueError: the bytes end too early or are no plain CDR.
    """
    try:
        order = "<" if data[1] else ">"
        seconds, nanoseconds, length = struct.unpack_from(f"{order}iII", data, _HEADER)
        at = _HEADER + 12
        text = bytes(data[at : at + max(length - 1, 0)]).decode(errors="replace")
        at += length
        at += -(at - _HEADER) % 8
        if message_type in STEP_TYPES:
            episode, step = struct.unpack_from(f"{order}QI", data, at)
        else:
            (episode,), step = struct.unpack_from(f"{order}Q", data, at), -1
    except (struct.error, IndexError) as error:
        raise ValueError(f"{message_type}: {len(data)} bytes are too few") from error
    return StepKey(seconds * 1_000_000_000 + nanoseconds, text, episode, step)
