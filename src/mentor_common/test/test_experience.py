"""Observations and rewards find each other by episode and step, whatever their order."""

from __future__ import annotations

import random

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st

from mentor_common.messages.experience import (
    ExperienceError,
    Pairing,
    action_data,
    action_message,
    nanoseconds_to_time,
    observation_message,
    observation_pixels,
    observation_state,
    reward_message,
    reward_terms,
    time_to_nanoseconds,
    time_to_seconds,
)
from mentor_common.messages.frames import FrameLayout
from mentor_msgs.msg import Observation, Reward

LAYOUT = FrameLayout(("a", "b"), 2, 4, 5, False)


@given(
    order=st.permutations(
        [("o", e, k) for e in (7, 8) for k in range(4)]
        + [("r", e, k) for e in (7, 8) for k in (1, 2, 3)]
    ),
    doubled=st.booleans(),
)
def test_every_pair_leaves_once_in_any_order(
    order: list[tuple[str, int, int]], doubled: bool
) -> None:
    pairing = Pairing()
    left = []
    for kind, episode, step in order * (2 if doubled else 1):
        if kind == "o":
            pair = pairing.add_observation(Observation(episode=episode, step=step))
        else:
            pair = pairing.add_reward(Reward(episode=episode, step=step))
        if pair is not None:
            assert (pair.observation.episode, pair.observation.step) == (pair.episode, pair.step)
            assert (pair.reward is None) == (pair.step == 0)
            left.append((pair.episode, pair.step))
    assert sorted(left) == [(e, k) for e in (7, 8) for k in range(4)]
    assert pairing.counts.duplicates == (14 if doubled else 0) and pairing.waiting == 0


def test_halves_without_a_peer_are_strays_in_the_end() -> None:
    pairing = Pairing(pending=4)
    for step in range(1, 11):
        assert pairing.add_reward(Reward(episode=1, step=step)) is None
    assert (pairing.waiting, pairing.counts.strays) == (4, 6)
    pairing.forget_before(2)
    assert (pairing.waiting, pairing.counts.strays) == (0, 10)


def test_a_reward_of_step_0_is_invalid() -> None:
    pairing = Pairing()
    assert pairing.add_reward(Reward(episode=1, step=0)) is None and pairing.counts.invalid == 1


def test_observations_keep_every_pixel_and_number() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, LAYOUT.shape, np.uint8)
    state = np.array([1.5, -2.25], np.float32)
    message = observation_message(pixels, LAYOUT, 3, 4, Time(sec=5), task="t", state=state)
    assert np.array_equal(observation_pixels(message), pixels)
    assert np.array_equal(observation_state(message), state)
    assert (message.episode, message.step, message.header.frame_id) == (3, 4, "t")
    message.height = 3
    with pytest.raises(ExperienceError, match="announce"):
        observation_pixels(message)
    with pytest.raises(ExperienceError, match="must be uint8"):
        observation_message(pixels[:3], LAYOUT, 3, 4, Time())


def test_actions_and_rewards_take_numpy_and_keep_their_values() -> None:
    action = action_message(np.array([0.25, -1.0]), 1, 2, Time(sec=3), deadline=1.5)
    assert action_data(action).tolist() == [0.25, -1.0]
    assert time_to_seconds(action.deadline) == 1.5
    reward = reward_message(
        np.float64(0.1), 1, 2, Time(), terms={"a": np.float32(0.5)}, success=np.bool_(True)
    )
    assert reward.value == 0.1 and reward_terms(reward) == {"a": 0.5} and reward.success is True


@given(st.integers(0, 2**31 * 10**9 - 1))
def test_times_are_exact(nanoseconds: int) -> None:
    assert time_to_nanoseconds(nanoseconds_to_time(nanoseconds)) == nanoseconds


def test_a_million_pairs_need_no_more_memory() -> None:
    pairing = Pairing(pending=8, memory=16)
    steps = list(range(1, 2000))
    random.Random(0).shuffle(steps)
    for step in steps:
        pairing.add_observation(Observation(episode=1, step=step))
    assert pairing.waiting == 8 and len(pairing._done) == 0
