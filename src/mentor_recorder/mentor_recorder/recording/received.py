"""A message as a recording takes it in."""

from __future__ import annotations

from typing import NamedTuple


class Received(NamedTuple):
    """Raw bytes of a message and when they arrived; times in nanoseconds."""

    topic: str
    data: bytes
    log_time: int
    publish_time: int
    sequence: int
