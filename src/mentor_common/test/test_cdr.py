"""Messages read from their bytes, and bytes that are no messages."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from hypothesis import given, settings
from hypothesis import strategies as st
from rclpy.serialization import serialize_message

from mentor_common.cdr import CdrError, read_action
from mentor_common.experience import action_message

STAMP = Time(sec=1_700_000_000, nanosec=123_456_789)


@settings(max_examples=200)
@given(
    data=st.lists(st.floats(width=32), max_size=9),
    episode=st.integers(0, 2**64 - 1),
    step=st.integers(0, 2**32 - 1),
    purpose=st.text(max_size=9).filter(lambda text: "\0" not in text and text.isprintable()),
)
def test_an_action_is_read_as_it_was_written(
    data: list[float], episode: int, step: int, purpose: str
) -> None:
    message = action_message(data, episode, step, STAMP, 0.25)
    message.header.frame_id = purpose
    read = read_action(serialize_message(message))
    assert (read.episode, read.step, read.purpose) == (episode, step, purpose)
    assert (read.stamp, read.deadline) == (1_700_000_000_123_456_789, 250_000_000)
    assert np.array_equal(read.data, np.asarray(data, np.float32), equal_nan=True)


@settings(max_examples=2000)
@given(st.binary(max_size=120) | st.binary(max_size=120).map(lambda b: b"\0\1\0\0" + b))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with contextlib.suppress(CdrError):
        read_action(raw)


def test_a_message_cut_short_is_refused_at_every_length() -> None:
    raw = serialize_message(action_message([0.1, 0.2], 7, 3, STAMP))
    for length in range(len(raw) - 4):
        with pytest.raises(CdrError):
            read_action(raw[:length])
