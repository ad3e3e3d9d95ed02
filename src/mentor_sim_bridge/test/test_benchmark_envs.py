"""The paper's tasks as gymnasium environments: shapes, ends, seeds."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from paper_tasks import PAPER_TASKS, PaperTask

from mentor_common.env.registration import register_environments

register_environments()


LIKE_OTHERS = {
    "dmc-dog_stand", "dmc-dog_walk", "dmc-acrobot_swingup_sparse", "metaworld-disassemble",
    "metaworld-coffee_push_sparse", "metaworld-soccer_sparse", "metaworld-hammer_sparse",
    "adroit-hammer",
}  # fmt: skip
"""Tasks whose suite has others, by the same code."""
ONE_OF_EACH_KIND = [
    pytest.param(task, marks=[pytest.mark.soak] * (task.name in LIKE_OTHERS))
    for task in PAPER_TASKS
]


@pytest.fixture(scope="module", params=ONE_OF_EACH_KIND, ids=lambda task: task.name)
def task(request: pytest.FixtureRequest) -> PaperTask:
    return request.param


@pytest.fixture(scope="module")
def env(task: PaperTask) -> Iterator[Any]:
    """One for all tests of a task, without gymnasium's wrappers: some take seconds to make."""
    made = gym.make(task.id).unwrapped
    yield made
    made.close()


def trajectory(env: Any, seed: int, steps: int) -> str:
    """Digest of all that an episode of random actions gives."""
    digest = hashlib.sha256()
    actions = np.random.default_rng(seed).uniform(-1, 1, (steps, *env.action_space.shape))
    observation, _ = env.reset(seed=seed)
    digest.update(observation.tobytes())
    for action in actions.astype(np.float32):
        observation, reward, terminated, truncated, info = env.step(action)
        digest.update(observation.tobytes())
        digest.update(repr((reward, terminated, truncated, info["success"])).encode())
        if terminated or truncated:
            break
    return digest.hexdigest()


def test_a_task_passes_the_check_of_gymnasium(task: PaperTask, env: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_env(env, skip_render_check=True, skip_close_check=True)  # closed twice below


def test_its_shapes_are_as_the_paper_has_them(task: PaperTask, env: Any) -> None:
    assert env.observation_space.shape == (9, 84, 84)
    assert env.action_space.shape == (task.actions,)
    assert len(env.action_names) == task.actions
    assert (env.action_space.low == -1).all() and (env.action_space.high == 1).all()
    assert env.action_repeat == 2 and env.frame_layout.stacked


def test_an_episode_ends_when_the_suite_says(task: PaperTask, env: Any) -> None:
    env.reset(seed=0)
    action = np.zeros(task.actions, np.float32)
    steps, ended = 0, False
    while not ended:
        _, terminated, ended, _ = env.advance(action)  # a step without the picture
        steps += 1
        assert not terminated
    assert steps == task.frames // 2 == env.max_steps
    with pytest.raises(gym.error.ResetNeeded):
        env.step(action)
    env.reset()
    env.step(action)


def test_the_same_seed_gives_the_same_trajectory(task: PaperTask, env: Any) -> None:
    fresh = gym.make(task.id).unwrapped
    wanted = trajectory(fresh, 7, 8)
    assert trajectory(env, 8, 3) != wanted
    assert trajectory(env, 7, 8) == wanted  # whatever came before
    for _ in range(2):
        fresh.close()


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(n for n in gym.registry if n.startswith("mentor/")))
def test_the_same_seed_gives_the_same_trajectory_in_every_task_there_is(name: str) -> None:
    if not name.startswith(("mentor/dmc-", "mentor/metaworld-", "mentor/adroit-")):
        pytest.skip("no task of a suite")
    first, second = gym.make(name).unwrapped, gym.make(name).unwrapped
    wanted = trajectory(first, 3, 20)
    trajectory(second, 4, 20)
    assert trajectory(second, 3, 20) == wanted
    first.close()
    second.close()


def test_the_stack_slides_and_starts_with_one_frame() -> None:
    env = gym.make("mentor/dmc-hopper_hop-v0").unwrapped
    first, _ = env.reset(seed=1)
    assert (first[:3] == first[3:6]).all() and (first[3:6] == first[6:]).all()
    second, *_ = env.step(env.action_space.sample())
    third, *_ = env.step(env.action_space.sample())
    assert (second[:6] == first[3:]).all()
    assert (third[:6] == second[3:]).all()
    assert (third[6:] != second[6:]).any()
    env.close()


def test_an_observation_that_is_kept_does_not_change() -> None:
    env = gym.make("mentor/dmc-reacher_easy-v0").unwrapped
    kept, _ = env.reset(seed=1)
    copy = kept.copy()
    for _ in range(4):
        env.step(env.action_space.sample())
    assert (kept == copy).all()
    env.close()


def test_size_stack_repeat_and_camera_are_options() -> None:
    options = {"image_size": 32, "frame_stack": 2, "action_repeat": 4, "camera": "back"}
    env: Any = gym.make("mentor/dmc-hopper_hop-v0", **options).unwrapped
    observation, _ = env.reset(seed=0)
    assert observation.shape == (6, 32, 32)
    assert env.frame_layout.cameras == ("back",)
    assert env.max_steps == 250
    assert env.period == pytest.approx(0.08)
    env.close()


def test_a_bad_action_is_refused_and_changes_nothing() -> None:
    env: Any = gym.make("mentor/dmc-hopper_hop-v0").unwrapped
    twin: Any = gym.make("mentor/dmc-hopper_hop-v0").unwrapped
    env.reset(seed=0)
    twin.reset(seed=0)
    for bad in (np.zeros(3), np.full(4, np.nan), np.full(4, np.inf), "up"):
        with pytest.raises(ValueError):
            env.step(bad)
    action = np.full(4, 0.5, np.float32)
    assert (env.step(action)[0] == twin.step(action)[0]).all()
    env.close()
    twin.close()


@pytest.mark.parametrize(
    ("name", "state", "size"),
    [
        ("adroit-door", "robot", 31),
        ("adroit-hammer", "robot", 29),
        ("adroit-door", "full", 39),
        ("metaworld-assembly", "robot", 4),
        ("metaworld-mt5", "task_id", 5),
    ],
)
def test_the_robots_state_is_there_if_asked_for(name: str, state: str, size: int) -> None:
    env: Any = gym.make(f"mentor/{name}-v0", state=state).unwrapped
    observation, _ = env.reset(seed=0)
    assert observation["state"].shape == (size,)
    assert env.observation_space.contains(observation)
    before = observation["state"].copy()
    for _ in range(5):
        observation, *_ = env.step(env.action_space.sample())
    assert state == "task_id" or (observation["state"] != before).any()
    env.close()


def test_mt5_takes_its_tasks_in_turn_and_by_option_and_seed() -> None:
    env: Any = gym.make("mentor/metaworld-mt5-v0").unwrapped
    seen = [env.reset()[1]["task_id"] for _ in range(6)]
    assert seen == [0, 1, 2, 3, 4, 0]
    assert env.reset(options={"task_id": 3})[1] == {
        "success": False, "task_id": 3, "task": "metaworld-mt5/drawer_close",
    }  # fmt: skip
    assert env.task == "metaworld-mt5/drawer_close"
    assert env.step(np.zeros(4, np.float32))[4]["task_id"] == 3
    assert [env.reset(seed=seed)[1]["task_id"] for seed in range(10, 15)] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="task_id"):
        env.reset(options={"task_id": 5})
    env.close()


def test_any_other_gymnasium_environment_with_a_picture_can_be_made() -> None:
    from mentor_sim_bridge.benchmarks.any_gymnasium import make_pixel_env

    env: Any = make_pixel_env("InvertedPendulum-v5", action_repeat=2)
    observation, _ = env.reset(seed=0)
    assert observation.shape == (9, 84, 84) and observation.std() > 1
    *_, terminated, truncated, _ = env.step(np.ones(1, np.float32))
    assert not terminated and not truncated
    assert env.max_steps == 500
    env.close()


def test_an_environment_without_continuous_actions_is_refused_by_name() -> None:
    from mentor_sim_bridge.benchmarks.any_gymnasium import make_pixel_env

    with pytest.raises(ValueError, match="CartPole-v1"):
        make_pixel_env("CartPole-v1")


def test_a_task_that_cannot_render_is_refused_when_it_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from mentor_sim_bridge.benchmarks.any_gymnasium import make_pixel_env
    from mentor_sim_bridge.benchmarks.renderer import PixelRenderer

    def refuse(*_: object) -> None:
        raise RuntimeError("no display")

    monkeypatch.setattr(PixelRenderer, "render", refuse)
    with pytest.raises(ValueError, match="InvertedPendulum-v5 cannot render: no display"):
        make_pixel_env("InvertedPendulum-v5")


@pytest.mark.parametrize(
    ("name", "value"), [("image_size", 10**9), ("frame_stack", 10**6), ("action_repeat", 0)]
)
def test_absurd_sizes_are_refused_by_name(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}, must be a whole number from"):
        gym.make("mentor/dmc-hopper_hop-v0", **{name: value})
