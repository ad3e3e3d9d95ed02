"""Observations and rewards find each other by episode and step, whatever their order."""

from __future__ import annotations

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st

from mentor_common.messages.experience import (
    ExperienceError,
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

LAYOUT = FrameLayout(("a", "b"), 2, 4, 5, False)


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
