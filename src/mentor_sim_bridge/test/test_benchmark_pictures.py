"""Pictures against those of the suites' own renderers."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import mujoco
import numpy as np
import pytest
from numpy.typing import NDArray

from mentor_common.env.registration import register_environments

register_environments()


def difference(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    """Mean absolute difference of two pictures, 0 to 255."""
    return float(np.abs(ours.astype(float) - theirs.astype(float)).mean())


def newest(observation: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The newest frame as (height, width, 3)."""
    return observation[-3:].transpose(1, 2, 0)


def after_some_steps(name: str, steps: int = 6, **options: Any) -> tuple[Any, NDArray[np.uint8]]:
    env: Any = gym.make(name, **options).unwrapped
    observation, _ = env.reset(seed=5)
    env.action_space.seed(5)
    for _ in range(steps):
        observation, *_ = env.step(env.action_space.sample())
    return env, newest(observation)


def without_extras(model: mujoco.MjModel) -> None:
    model.vis.quality.shadowsize = 0
    model.vis.quality.offsamples = 0


def is_upright(ours: NDArray[Any], theirs: NDArray[Any], limit: float) -> None:
    """Ours is theirs, and no flip of ours is as near."""
    assert difference(ours, theirs) < limit
    for flip in (ours[::-1], ours[:, ::-1], ours[::-1, ::-1]):
        assert difference(flip, theirs) > 2 * limit


@pytest.mark.parametrize(
    "name",
    [
        "dog_walk",
        "hopper_hop",
        pytest.param("manipulator_bring_ball", marks=pytest.mark.soak),
        pytest.param("acrobot_swingup_sparse", marks=pytest.mark.soak),
    ],
)
def test_a_dmc_picture_is_dm_controls_without_shadows(name: str) -> None:
    env, ours = after_some_steps(f"mentor/dmc-{name}-v0")
    physics = env.simulator._env.physics
    without_extras(physics.model.ptr)

    def plain(scene: Any) -> None:
        scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
        scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0

    theirs = physics.render(84, 84, camera_id=0, scene_callback=lambda p, s: plain(s))
    is_upright(ours, theirs, 1.0)
    env.close()


@pytest.mark.parametrize(
    "task",
    [
        "assembly",
        pytest.param("hammer", marks=pytest.mark.soak),
        pytest.param("door_open", marks=pytest.mark.soak),
    ],
)
def test_a_metaworld_picture_is_the_suites_turned_upright(task: str) -> None:
    from gymnasium.envs.mujoco.mujoco_rendering import MujocoRenderer

    env, ours = after_some_steps(f"mentor/metaworld-{task}-v0")
    suite = env.simulator._env
    renderer = MujocoRenderer(suite.model, suite.data, None, 84, 84, camera_name="corner4")
    viewer = renderer._get_viewer("rgb_array")
    viewer.scn.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
    viewer.scn.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
    theirs = renderer.render("rgb_array")
    renderer.close()
    is_upright(ours, theirs[::-1, ::-1], 1.0)
    # The robot stands at the left, its base in the lower half, and the table below its hand.
    env.close()


@pytest.mark.parametrize("task", ["door", pytest.param("hammer", marks=pytest.mark.soak)])
def test_an_adroit_picture_is_the_suites_without_shadows(task: str) -> None:
    from gymnasium.envs.mujoco.mujoco_rendering import MujocoRenderer

    env, ours = after_some_steps(f"mentor/adroit-{task}-v0")
    suite = env.simulator._env
    renderer = MujocoRenderer(suite.model, suite.data, None, 84, 84, camera_name="fixed")
    viewer = renderer._get_viewer("rgb_array")
    viewer.scn.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
    viewer.scn.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
    theirs = renderer.render("rgb_array")
    renderer.close()
    is_upright(ours, theirs, 1.0)
    env.close()


@pytest.mark.parametrize("name", ["mentor/dmc-hopper_hop-v0", "mentor/metaworld-assembly-v0"])
def test_the_stock_switch_gives_the_suites_look(name: str) -> None:
    env, ours = after_some_steps(name, 1, stock=True)
    fast, plain = after_some_steps(name, 1)
    if "dmc" in name:
        theirs = env.simulator._env.physics.render(84, 84, camera_id=0)
    else:
        model = env.simulator._env.model
        with mujoco.Renderer(model, 84, 84) as renderer:
            renderer.update_scene(env.simulator._env.data, "corner4")
            theirs = renderer.render()[::-1, ::-1]
    assert difference(ours, theirs) < 0.5
    assert difference(plain, theirs) > difference(ours, theirs)
    env.close()
    fast.close()


def test_the_renderer_serves_several_threads_and_environments_at_once() -> None:
    from concurrent.futures import ThreadPoolExecutor

    first, picture = after_some_steps("mentor/dmc-hopper_hop-v0")
    second, _ = after_some_steps("mentor/dmc-reacher_easy-v0")
    with ThreadPoolExecutor(2) as pool:
        drawn = list(pool.map(lambda _: first.simulator.render(), range(4)))
    second.close()  # frees a context of this thread, which must not harm the other one
    drawn.append(first.simulator.render())
    for frame in drawn:
        assert (frame.transpose(1, 2, 0) == picture).all()
    first.close()
