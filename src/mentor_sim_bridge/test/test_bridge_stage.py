"""What the bridge does with actions that are wrong, late or twice, without ROS."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mentor_common.messages.episode_numbers import EpisodeNumbers, session_of
from mentor_common.messages.frames import FrameLayout
from mentor_sim_bridge.bridge.episode_runner import Stage, Verdict

FIRST = EpisodeNumbers(session=7).next()


class Counter(gym.Env[Any, Any]):
    """Counts its steps, adds its actions up, ends after five."""

    observation_space = gym.spaces.Box(0, 255, (3, 8, 8), np.uint8)
    action_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
    frame_layout = FrameLayout(("eye",), 1, 8, 8, True)
    action_repeat = 1
    broken = False

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.steps, self.sum = 0, np.zeros(2)
        return self._look(), {}

    def step(self, action: NDArray[np.float32]) -> Any:
        if self.broken:
            raise FloatingPointError("the simulation is unstable")
        self.steps += 1
        self.sum = self.sum + action
        return self._look(), float(action.sum()), False, self.steps == 5, {"success": True}

    def _look(self) -> NDArray[np.uint8]:
        return np.full((3, 8, 8), self.steps, np.uint8)


@pytest.fixture
def stage() -> Stage:
    stage = Stage(Counter(), EpisodeNumbers(session=7))
    stage.reset(0, {})
    return stage


def verdict(stage: Stage, episode: int, step: int, data: Any) -> Verdict:
    return stage.judge(episode, step, np.asarray(data, np.float32))[0]


def test_the_action_for_the_newest_observation_is_taken(stage: Stage) -> None:
    assert verdict(stage, FIRST, 0, [0.5, -0.5]) is Verdict.TAKEN


@pytest.mark.parametrize(
    ("episode", "step", "data", "wanted"),
    [
        (FIRST - 1, 0, [0, 0], Verdict.OTHER_EPISODE),
        (FIRST + 1, 0, [0, 0], Verdict.OTHER_EPISODE),
        (FIRST, 1, [0, 0], Verdict.OTHER_STEP),
        (FIRST, 0, [0], Verdict.WRONG_SIZE),
        (FIRST, 0, [0, 0, 0], Verdict.WRONG_SIZE),
        (FIRST, 0, [], Verdict.WRONG_SIZE),
        (FIRST, 0, [np.nan, 0], Verdict.NOT_FINITE),
        (FIRST, 0, [0, np.inf], Verdict.NOT_FINITE),
        (FIRST, 0, [0, -np.inf], Verdict.NOT_FINITE),
        (FIRST, 0, [1.5, 0], Verdict.CLIPPED),
    ],
)
def test_any_other_action_is_named_for_what_is_wrong_with_it(
    stage: Stage, episode: int, step: int, data: Any, wanted: Verdict
) -> None:
    assert verdict(stage, episode, step, data) is wanted
    assert (stage.episode, stage.step, stage.env.unwrapped.steps) == (FIRST, 0, 0)  # type: ignore


def test_an_action_beyond_the_bounds_is_cut_back_to_them(stage: Stage) -> None:
    _, action = stage.judge(FIRST, 0, np.array([3.0, -1.5], np.float32))
    assert action.tolist() == [1.0, -1.0]


def test_after_the_end_nothing_moves(stage: Stage) -> None:
    for _ in range(5):
        result = stage.act(np.zeros(2, np.float32))
    assert result.truncated and stage.over
    assert verdict(stage, FIRST, 5, [0, 0]) is Verdict.AFTER_END
    assert stage.reset(None, {}) == FIRST + 1
    assert verdict(stage, FIRST + 1, 0, [0, 0]) is Verdict.TAKEN


def test_a_simulator_that_fails_ends_the_episode_as_not_valid(stage: Stage) -> None:
    stage.env.unwrapped.broken = True  # type: ignore[attr-defined]
    before = stage.pixels
    result = stage.act(np.zeros(2, np.float32))
    stage.look(result)
    assert (result.truncated, result.terminated, result.valid) == (True, False, False)
    assert "unstable" in result.reason
    assert stage.over and stage.pixels is before


def test_a_later_stage_reuses_no_episode_number() -> None:
    first = Stage(Counter())
    numbers = [first.reset(None, {}) for _ in range(3)]
    assert numbers == list(range(numbers[0], numbers[0] + 3))
    assert session_of(Stage(Counter()).reset(None, {})) != session_of(numbers[0])


@settings(max_examples=300)
@given(
    episode=st.integers(0, 2**64 - 1) | st.just(FIRST),
    step=st.integers(0, 2**32 - 1) | st.just(0),
    data=st.lists(st.floats(width=32, allow_nan=True, allow_infinity=True), max_size=4),
)
def test_only_a_finite_action_of_the_right_size_step_and_episode_is_carried_out(
    episode: int, step: int, data: list[float]
) -> None:
    stage = Stage(Counter(), EpisodeNumbers(session=7))
    stage.reset(0, {})
    found, action = stage.judge(episode, step, np.asarray(data, np.float32))
    fine = (episode, step, len(data)) == (FIRST, 0, 2) and np.isfinite(data).all()
    assert (found in (Verdict.TAKEN, Verdict.CLIPPED)) == fine
    if fine:
        assert np.abs(action).max() <= 1.0
