"""Messages read from their bytes, and bytes that are no messages."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from hypothesis import given, settings
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message

from mentor_common.env.action_choice import ActionChoice
from mentor_common.messages.cdr import (
    CdrError,
    ObservationWriter,
    read_action,
    read_observation,
    read_reward,
    write_action,
)
from mentor_common.messages.experience import (
    action_message,
    observation_message,
    observation_pixels,
    reward_message,
)
from mentor_common.messages.frames import FrameLayout
from mentor_msgs.msg import Action, Observation, Reward

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
    written = serialize_message(message)
    read = read_action(written)
    ours = write_action(
        np.asarray(data, np.float32), episode, step, read.stamp, purpose, read.deadline
    )
    again = read_action(ours)
    assert again[:4] == read[:4] and again.deadline == read.deadline
    assert deserialize_message(ours, Action).episode == episode  # the client library reads it too
    assert np.array_equal(again.data, read.data, equal_nan=True)
    assert len(ours) <= len(written) < len(ours) + 4
    assert (read.episode, read.step, read.purpose) == (episode, step, purpose)
    assert (read.stamp, read.deadline) == (1_700_000_000_123_456_789, 250_000_000)
    assert np.array_equal(read.data, np.asarray(data, np.float32), equal_nan=True)


@settings(max_examples=100)
@given(
    mean=st.lists(st.floats(-1, 1, width=32), max_size=5),
    run_id=st.text(max_size=9).filter(lambda text: "\0" not in text and text.isprintable()),
    version=st.integers(0, 2**64 - 1),
)
def test_what_chose_an_action_goes_along(mean: list[float], run_id: str, version: int) -> None:
    choice = ActionChoice(np.asarray(mean, np.float32), run_id, version, "0123abc")
    data = np.asarray([0.5, -0.5], np.float32)
    written = write_action(data, 7, 3, 5, "evaluation", choice=choice)
    message = deserialize_message(written, Action)
    assert list(message.mean) == mean
    assert (message.run_id, message.weights_version) == (run_id, version)
    assert message.weights_sha256 == "0123abc"
    assert read_action(written).step == 3


@settings(max_examples=500)
@given(st.binary(max_size=120) | st.binary(max_size=120).map(lambda b: b"\0\1\0\0" + b))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for read in (read_action, read_observation, read_reward):
        with contextlib.suppress(CdrError):
            read(raw)


MUTATIONS = st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=4)), max_size=4)


@settings(max_examples=300)
@given(MUTATIONS, st.integers(0, 8))
def test_a_mutated_message_is_read_or_refused(mutations: list[tuple[int, bytes]], cut: int) -> None:
    layout = FrameLayout(("eye",), 1, 2, 2, True)
    blank = np.zeros(layout.shape, np.uint8)
    observation = observation_message(blank, layout, 1, 2, STAMP, task="t", stamps=[STAMP] * 3)
    reward = Reward(episode=1, step=2, term_names=["a", "b"], terms=[1.0, 2.0], reason="r")
    reward.state_names, reward.states = ["s"], [0.5]
    for message, read in ((observation, read_observation), (reward, read_reward)):
        raw = bytearray(serialize_message(message))
        for at, put in mutations:
            at %= len(raw)
            raw[at : at + len(put)] = put
        with contextlib.suppress(CdrError):
            read(bytes(raw[: len(raw) - cut]))


def test_observation_and_reward_are_read_as_they_were_written() -> None:
    layout = FrameLayout(("left", "right"), 2, 5, 5, True)
    pixels = np.random.default_rng(0).integers(0, 256, layout.shape, np.uint8)
    state = np.array([0.5, -1.0], np.float32)
    written = observation_message(
        pixels, layout, 9, 4, STAMP, task="task", stamps=[STAMP] * 4, state=state
    )
    read = read_observation(serialize_message(written))
    for name in ("episode", "step", "cameras", "frames", "height", "width", "stamps"):
        assert getattr(read, name) == getattr(written, name)
    assert (read.header.stamp, read.header.frame_id) == (STAMP, "task")
    assert np.array_equal(observation_pixels(read), pixels)
    assert np.array_equal(read.state, state)
    reward = Reward(episode=9, step=4, value=0.25, term_names=["a"], terms=[0.25], success=True)
    reward.state_names, reward.states = ["slot_1"], [3.0]
    again = read_reward(serialize_message(reward))
    for name in ("episode", "step", "value", "terminated", "truncated", "success", "valid"):
        assert getattr(again, name) == getattr(reward, name)
    assert (again.term_names, again.terms, again.reason) == (["a"], [0.25], "")


@pytest.mark.parametrize("terms", [{}, {"reward": 1.0}])
@pytest.mark.parametrize("states", [{}, {"slot_1": 3.0}])
def test_a_reward_without_terms_or_states_is_read_whatever_the_client_library_pads(
    terms: dict[str, float], states: dict[str, float]
) -> None:
    for length in range(12):
        reason = "x" * length
        message = reward_message(1.0, 7, 3, STAMP, terms=terms, reason=reason, states=states)
        again = read_reward(serialize_message(message))
        assert (again.term_names, again.reason) == (list(terms), reason)


def test_a_message_cut_short_is_refused_at_every_length() -> None:
    raw = serialize_message(action_message([0.1, 0.2], 7, 3, STAMP))
    for length in range(len(raw) - 4):
        with pytest.raises(CdrError):
            read_action(raw[:length])


@settings(max_examples=50)
@given(
    task=st.text("abc-_/", max_size=9),
    cameras=st.lists(st.text("abc_", min_size=1, max_size=7), min_size=1, max_size=3, unique=True),
    state_size=st.integers(0, 3),
    size=st.integers(1, 5),
)
def test_an_observation_is_written_as_the_client_library_writes_it(
    task: str, cameras: list[str], state_size: int, size: int
) -> None:
    layout = FrameLayout(tuple(cameras), 2, size, size, True)
    rng = np.random.default_rng(0)
    state = rng.normal(size=state_size).astype(np.float32)
    blank = observation_message(
        np.zeros(layout.shape, np.uint8), layout, 0, 0, Time(), task=task, state=0 * state
    )
    writer = ObservationWriter(blank)
    for step in range(2):
        pixels = rng.integers(0, 256, layout.shape, np.uint8)
        wanted = observation_message(pixels, layout, 77, step, STAMP, task=task, state=state)
        stamp = 1_700_000_000_123_456_789
        raw = writer.write(pixels, 77, step, stamp, state)
        assert deserialize_message(raw, Observation) == wanted  # padding is anything
