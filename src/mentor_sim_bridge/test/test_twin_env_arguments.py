"""Every twin's environment: refused arguments, refused resets, resets without a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import mentor_common.env  # noqa: F401 (gymnasium's check makes environments by their ids)
from mentor_sim_bridge.twins.cable.env import CableRoutingEnv
from mentor_sim_bridge.twins.golf.env import GolfEnv
from mentor_sim_bridge.twins.peg.env import PegInsertionEnv

TWINS = [CableRoutingEnv, PegInsertionEnv, GolfEnv]


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("states", "sensor"), ("render_mode", "human"),
        ("max_steps", 0), ("max_steps", -3), ("max_steps", 2.5),
    ],
)  # fmt: skip
@pytest.mark.parametrize("make", TWINS)
def test_an_argument_that_is_none_is_refused_by_name(make: Any, argument: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{argument} is {value!r}"):
        make(**{argument: value})


@pytest.mark.parametrize("make", TWINS)
def test_after_a_refused_reset_no_episode_runs(make: Any) -> None:
    """It would go on with the window, the peg or the disturbance of the refused one."""
    env = make(images="blank")
    env.reset(seed=1)
    refused = {"peg": "moon"} if make is PegInsertionEnv else {"colour": "red"}
    with pytest.raises(ValueError):
        env.reset(seed=2, options=refused)
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(np.zeros(env.action_space.shape, np.float32))
    env.close()


@pytest.mark.parametrize("make", TWINS)
def test_the_first_episode_is_another_one_in_each_environment_without_a_seed(make: Any) -> None:
    def cameras() -> Any:
        env = make(images="blank")
        env.reset()
        return env.simulator.model.cam_pos.copy()

    assert not np.array_equal(cameras(), cameras())


@pytest.mark.parametrize("make", TWINS)
def test_an_action_counts_as_it_comes_over_the_topics(make: Any) -> None:
    env = make(images="blank")
    action = np.random.default_rng(0).uniform(-1.0, 1.0, env.action_space.shape)
    poses = []
    for given in (action, action.astype(np.float32)):
        env.reset(seed=1)
        poses.append(env.step(given)[4]["pose"])
    env.close()
    assert np.array_equal(*poses)


def test_no_court_image_of_a_failed_step_is_shown_to_the_next_episode() -> None:
    env = GolfEnv(states="sensors", images="blank")
    env.reset(seed=1)
    env.simulator.fail_soon()
    assert not env.step(np.zeros(4, np.float32))[4]["valid"]
    stamps: list[int] = []
    begin = env._model.begin_episode

    def noted(episode: Any, inputs: Any) -> None:
        stamps.extend(image.stamp for images in inputs.images.values() for image in images)
        begin(episode, inputs)

    env._model.begin_episode = noted  # type: ignore[method-assign]
    env.reset(seed=2)
    assert set(stamps) == {env.simulator.time}
    env.close()


def test_the_environment_of_snapshots_passes_gymnasiums_check() -> None:
    import gymnasium

    env = gymnasium.make("mentor/cable_routing_snapshots-v0", render_mode="rgb_array").unwrapped
    check_env(env, skip_close_check=True)
    assert env.render().shape == (168, 168, 3)
    env.close()
