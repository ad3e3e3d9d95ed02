"""What the bridge does with actions that are wrong, late or repeated, without ROS."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mentor_common.arm.command import Command, CommandStatus
from mentor_common.messages.episode_numbers import EpisodeNumbers, session_of
from mentor_common.messages.frames import FrameLayout
from mentor_sim_bridge.bridge.episode_runner import EpisodeRunner

FIRST = EpisodeNumbers(session=7).next()
NOW = 10**18


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
        return self._observation(), {}

    def step(self, action: NDArray[np.float32]) -> Any:
        if self.broken:
            raise FloatingPointError("the simulation is unstable")
        self.steps += 1
        self.sum = self.sum + action
        return self._observation(), float(action.sum()), False, self.steps == 5, {"success": True}

    def _observation(self) -> NDArray[np.uint8]:
        return np.full((3, 8, 8), self.steps, np.uint8)


@pytest.fixture
def runner() -> EpisodeRunner:
    runner = EpisodeRunner(Counter(), EpisodeNumbers(session=7))
    runner.reset(0, {})
    return runner


def check(runner: EpisodeRunner, episode: int, step: int, data: Any, age: float = 0.0) -> Any:
    """Status and bounded action of an action that is `age` seconds old and may be 0.1."""
    command = Command(episode, step, np.asarray(data, np.float32), NOW - int(age * 1e9), 10**8)
    status, _, action = runner.check(command, NOW)
    return status, action


def status_of(runner: EpisodeRunner, episode: int, step: int, data: Any) -> CommandStatus:
    return check(runner, episode, step, data)[0]


def test_the_action_for_the_newest_observation_is_executed(runner: EpisodeRunner) -> None:
    assert status_of(runner, FIRST, 0, [0.5, -0.5]) is CommandStatus.EXECUTED


@pytest.mark.parametrize(
    ("episode", "step", "data", "wanted"),
    [
        (FIRST - 1, 0, [0, 0], CommandStatus.OTHER_EPISODE),
        (FIRST + 1, 0, [0, 0], CommandStatus.OTHER_EPISODE),
        (FIRST, 1, [0, 0], CommandStatus.OTHER_STEP),
        (FIRST, 0, [0], CommandStatus.WRONG_SIZE),
        (FIRST, 0, [0, 0, 0], CommandStatus.WRONG_SIZE),
        (FIRST, 0, [], CommandStatus.WRONG_SIZE),
        (FIRST, 0, [np.nan, 0], CommandStatus.NOT_FINITE),
        (FIRST, 0, [0, np.inf], CommandStatus.NOT_FINITE),
        (FIRST, 0, [0, -np.inf], CommandStatus.NOT_FINITE),
        (FIRST, 0, [1.5, 0], CommandStatus.CLIPPED),
    ],
)
def test_any_other_action_is_named_for_what_is_wrong_with_it(
    runner: EpisodeRunner, episode: int, step: int, data: Any, wanted: CommandStatus
) -> None:
    assert status_of(runner, episode, step, data) is wanted
    assert (runner.episode, runner.step, runner.env.unwrapped.steps) == (FIRST, 0, 0)  # type: ignore


def test_an_action_beyond_the_bounds_is_cut_back_to_them(runner: EpisodeRunner) -> None:
    _, action = check(runner, FIRST, 0, [3.0, -1.5])
    assert action.tolist() == [1.0, -1.0]


def test_a_stale_action_and_one_from_the_future_are_dropped(runner: EpisodeRunner) -> None:
    assert check(runner, FIRST, 0, [0, 0], age=0.2)[0] is CommandStatus.STALE
    assert check(runner, FIRST, 0, [0, 0], age=-0.2)[0] is CommandStatus.FUTURE


def test_after_the_end_nothing_moves(runner: EpisodeRunner) -> None:
    for _ in range(5):
        result = runner.act(np.zeros(2, np.float32))
    assert result.truncated and runner.over
    assert status_of(runner, FIRST, 5, [0, 0]) is CommandStatus.AFTER_END
    assert runner.reset(None, {}) == FIRST + 1
    assert status_of(runner, FIRST + 1, 0, [0, 0]) is CommandStatus.EXECUTED


def test_a_simulator_that_fails_ends_the_episode_as_not_valid(runner: EpisodeRunner) -> None:
    runner.env.unwrapped.broken = True  # type: ignore[attr-defined]
    before = runner.pixels
    result = runner.act(np.zeros(2, np.float32))
    runner.observe(result)
    assert (result.truncated, result.terminated, result.valid) == (True, False, False)
    assert "unstable" in result.reason
    assert runner.over and runner.pixels is before


def test_a_later_runner_reuses_no_episode_number() -> None:
    first = EpisodeRunner(Counter())
    numbers = [first.reset(None, {}) for _ in range(3)]
    assert numbers == list(range(numbers[0], numbers[0] + 3))
    assert session_of(EpisodeRunner(Counter()).reset(None, {})) != session_of(numbers[0])


@settings(max_examples=100)
@given(
    episode=st.integers(0, 2**64 - 1) | st.just(FIRST),
    step=st.integers(0, 2**32 - 1) | st.just(0),
    data=st.lists(st.floats(width=32, allow_nan=True, allow_infinity=True), max_size=4),
)
def test_only_a_finite_action_of_the_right_size_step_and_episode_is_carried_out(
    episode: int, step: int, data: list[float]
) -> None:
    runner = EpisodeRunner(Counter(), EpisodeNumbers(session=7))
    runner.reset(0, {})
    status, action = check(runner, episode, step, data)
    fine = (episode, step, len(data)) == (FIRST, 0, 2) and np.isfinite(data).all()
    assert status.executed == fine
    if fine:
        assert np.abs(action).max() <= 1.0


def test_an_episode_that_is_ended_early_is_remembered_as_cut_off(runner: EpisodeRunner) -> None:
    runner.act(np.zeros(2, np.float32))
    runner.end_episode()
    assert runner.over and runner.cut_off == (FIRST, 1)
    runner.end_episode()
    assert runner.cut_off == (FIRST, 1)
