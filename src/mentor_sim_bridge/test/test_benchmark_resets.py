"""Resets of the benchmark environments: seeds, options, and what a refused reset leaves behind."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import mentor_common.env  # noqa: F401 (registers the ids)
from mentor_sim_bridge.benchmarks.any_gymnasium import make_pixel_env


@pytest.mark.parametrize("name", ["dmc-reacher_easy", "metaworld-reach", "adroit-pen"])
def test_an_option_that_a_task_does_not_have_is_refused_and_no_episode_runs(name: str) -> None:
    env: Any = gym.make(f"mentor/{name}-v0").unwrapped
    env.reset(seed=1)
    with pytest.raises(ValueError, match=f"{name}: options \\['peg'\\] are unknown; known: none"):
        env.reset(seed=1, options={"peg": "star"})
    with pytest.raises(gym.error.ResetNeeded):
        env.step(np.zeros(env.action_space.shape, np.float32))
    env.reset(seed=1, options={})
    env.close()


@pytest.mark.parametrize("value", ["abc", "3", [1], float("nan"), 1.5, True, 5, -1])
def test_mt5_names_a_task_id_that_is_none(value: Any) -> None:
    env: Any = gym.make("mentor/metaworld-mt5-v0").unwrapped
    task = env.task
    with pytest.raises(ValueError, match=r"task_id is .*, must be 0 to 4"):
        env.reset(seed=2, options={"task_id": value})
    with pytest.raises(ValueError, match=r"options .*taskid.* are unknown; known: task_id"):
        env.reset(seed=2, options={"taskid": 3})
    assert env.task == task
    env.close()


def test_a_seed_that_dm_control_does_not_take_determines_the_episode_too() -> None:
    env: Any = gym.make("mentor/dmc-reacher_easy-v0").unwrapped
    first, other, again = (env.reset(seed=seed)[0] for seed in (2**40, 2**40 + 1, 2**40))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    env.close()


def test_environments_of_other_packages_begin_differently_without_a_seed() -> None:
    def first_positions() -> Any:
        env: Any = make_pixel_env("InvertedPendulum-v5")
        env.reset()
        positions = env.simulator._env.unwrapped.data.qpos.copy()
        env.close()
        return positions

    assert not np.array_equal(first_positions(), first_positions())


class OwnPicture(gym.Env[Any, Any]):
    """Shows an image of its own; without a model there is no camera to choose."""

    observation_space = gym.spaces.Box(0, 255, (16, 16, 3), np.uint8)
    action_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return np.zeros((16, 16, 3), np.uint8), {}

    def step(self, action: Any) -> Any:
        return np.zeros((16, 16, 3), np.uint8), 0.0, False, False, {}


class Drawn(OwnPicture):
    """Renders only."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012
    observation_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def render(self) -> Any:
        return np.full((16, 16, 3), 7, np.uint8)


def test_a_camera_is_refused_where_there_is_none_to_choose() -> None:
    gym.register("OwnPicture-v0", entry_point=OwnPicture)
    assert make_pixel_env("OwnPicture-v0").reset()[0].shape == (9, 84, 84)
    with pytest.raises(ValueError, match=r"OwnPicture-v0 has no camera 'nose'.*leave camera out"):
        make_pixel_env("OwnPicture-v0", camera="nose")


def test_an_environment_that_renders_may_be_asked_to() -> None:
    gym.register("Drawn-v0", entry_point=Drawn)
    env: Any = make_pixel_env("Drawn-v0", render_mode="rgb_array")
    assert (env.reset()[0] == 7).all()
