"""Rewards, successes and returns against the suites' own."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from paper_tasks import EXPERT_TASKS

from mentor_common.env.registration import register_environments
from mentor_sim_bridge.benchmarks.experts import ScriptedExpert
from mentor_sim_bridge.benchmarks.names import MT5

register_environments()


@pytest.mark.parametrize(
    "name",
    [
        "acrobot-swingup_sparse",
        "hopper-hop",
        pytest.param("dog-stand", marks=pytest.mark.soak),
        pytest.param("dog-walk", marks=pytest.mark.soak),
        pytest.param("manipulator-bring_ball", marks=pytest.mark.soak),
        pytest.param("finger-spin", marks=pytest.mark.soak),
    ],
)
def test_dmc_rewards_equal_those_of_dm_control(name: str) -> None:
    from dm_control import suite

    domain, task = name.split("-")
    theirs = suite.load(domain, task, task_kwargs={"random": 11})
    ours: Any = gym.make(f"mentor/dmc-{domain}_{task}-v0").unwrapped
    actions = np.random.default_rng(0).uniform(-1, 1, (25, *ours.action_space.shape))
    for episode in range(2):  # the second begins where the first left the randomness
        theirs.reset()
        ours.reset(seed=11 if episode == 0 else None)
        for action in actions.astype(np.float32):
            wanted = theirs.step(action.astype(np.float64)).reward
            wanted += theirs.step(action.astype(np.float64)).reward
            assert ours.advance(action)[0] == wanted
    ours.close()


@pytest.mark.parametrize(
    "task",
    [
        "hammer",
        pytest.param("coffee_push", marks=pytest.mark.soak),
        pytest.param("soccer", marks=pytest.mark.soak),
    ],
)
def test_a_sparse_task_pays_at_success_and_a_thousandth_short_of_it(task: str) -> None:
    dense: Any = gym.make(f"mentor/metaworld-{task}-v0", state="full", action_repeat=1).unwrapped
    sparse: Any = gym.make(f"mentor/metaworld-{task}_sparse-v0", action_repeat=1).unwrapped
    expert = ScriptedExpert(task.replace("_", "-"))
    dense.reset(seed=2)
    sparse.reset(seed=2)
    paid = []
    for _ in range(400):
        action = expert.act(dense.simulator.state())
        shaped, _, ended, _ = dense.advance(action)
        value, _, _, info = sparse.advance(action)
        momentary = bool(
            sparse.simulator._env.evaluate_state(sparse.simulator._state, action)[1]["success"]
        )
        assert value == pytest.approx(shaped if momentary else shaped / 1000, rel=1e-12)
        paid.append(momentary)
        if sum(paid) > 5 or ended:
            break
    assert any(paid) and not all(paid)
    assert info["success"]
    dense.close()
    sparse.close()


TWO_OF_ALL = [
    pytest.param(task, marks=[pytest.mark.soak] * (task not in ("assembly", "pick-place")))
    for task in EXPERT_TASKS
]


@pytest.mark.parametrize("task", TWO_OF_ALL)
def test_a_scripted_expert_succeeds_and_success_stays(task: str) -> None:
    env: Any = gym.make(f"mentor/metaworld-{task.replace('-', '_')}-v0", state="full").unwrapped
    expert = ScriptedExpert(task)
    successes = 0
    for seed in range(3):
        if successes == 2:
            break
        env.reset(seed=seed)
        reached = ended = False
        while not ended:
            *_, ended, info = env.advance(expert.act(env.simulator.state()))
            assert info["success"] or not reached
            reached = info["success"]
            ended = ended or reached
        successes += reached
    assert successes >= 2
    env.close()


def test_mt5_reports_success_per_task() -> None:
    env: Any = gym.make("mentor/metaworld-mt5-v0", state="full").unwrapped
    for task_id, task in enumerate(MT5):
        expert = ScriptedExpert(task)
        env.reset(seed=20 + task_id)
        assert env.simulator.info() == {
            "task_id": task_id,
            "task": f"metaworld-mt5/{task.replace('-', '_')}",
        }
        ended = False
        while not ended:
            *_, ended, info = env.advance(expert.act(env.simulator.state()))
            ended = ended or info["success"]
        assert info["success"], task
    env.reset(options={"task_id": 0})
    env.advance(np.zeros(4, np.float32))
    assert env.simulator.success_by_task() == {"door-open": (1, 2)} | dict.fromkeys(MT5[1:], (1, 1))
    env.close()


ADROIT = ["door", "hammer", pytest.param("relocate", marks=pytest.mark.soak), "pen"]
"""How far the palm is off is computed for relocate as for hammer."""


def suite_env(task: str, **options: Any) -> Any:
    """The suite's own environment."""
    from mentor_sim_bridge.benchmarks.adroit import SUITE

    return SUITE[task](**options)


@pytest.mark.parametrize("task", ADROIT)
def test_adroit_differs_from_the_suite_by_the_sign_of_one_term_only(task: str) -> None:
    theirs = suite_env(task)
    ours: Any = gym.make(f"mentor/adroit-{task}-v0", action_repeat=1).unwrapped
    theirs.reset(seed=3)
    ours.reset(seed=3)
    rng = np.random.default_rng(0)
    for _ in range(40):
        action = rng.uniform(-1, 1, ours.action_space.shape).astype(np.float32)
        _, suites, _, _, info = theirs.step(action)
        reward, _, _, mine = ours.advance(action)
        data, model = theirs.data, theirs.model
        palm = data.site_xpos[model.site("S_grasp").id]
        target = {
            "door": lambda d=data, m=model: d.site_xpos[m.site("S_handle").id],
            "hammer": lambda d=data, m=model: d.xpos[m.body("Object").id],
            "relocate": lambda d=data, m=model: d.xpos[m.body("Object").id],
            "pen": lambda p=palm: p,
        }[task]()
        distance = np.linalg.norm(palm - target)
        assert reward == pytest.approx(float(suites) - 0.2 * distance, abs=1e-12)
        assert mine["success"] == bool(info["success"])
        if task != "pen":
            assert sum(mine["reward_terms"].values()) == pytest.approx(reward, abs=1e-12)
    ours.close()


@pytest.mark.parametrize("sparse", [False, True])
def test_adroit_keeps_the_suites_reward_if_asked_to_and_when_sparse(sparse: bool) -> None:
    theirs = suite_env("door", reward_type="sparse" if sparse else "dense")
    name = "mentor/adroit-door_sparse-v0" if sparse else "mentor/adroit-door-v0"
    ours: Any = gym.make(name, action_repeat=1, suite_reward=not sparse).unwrapped
    theirs.reset(seed=3)
    ours.reset(seed=3)
    for _ in range(10):
        action = np.full(28, 0.3, np.float32)
        assert ours.advance(action)[0] == float(theirs.step(action)[1])
    ours.close()


@pytest.mark.parametrize(("task", "joint", "value"), [("door", "door_hinge", 1.4)])
def test_adroits_success_is_the_suites_flag(task: str, joint: str, value: float) -> None:
    env: Any = gym.make(f"mentor/adroit-{task}-v0", action_repeat=1).unwrapped
    env.reset(seed=0)
    action = np.zeros(env.action_space.shape, np.float32)
    assert not env.advance(action)[3]["success"]
    suite = env.simulator._env
    suite.data.qpos[suite.model.joint(joint).qposadr[0]] = value
    reward, _, _, info = env.advance(action)
    assert info["success"] and reward > 10
    suite.data.qpos[suite.model.joint(joint).qposadr[0]] = 0.0
    assert env.advance(action)[3]["success"]  # once stays, until the reset
    env.reset()
    assert not env.advance(action)[3]["success"]
    env.close()
