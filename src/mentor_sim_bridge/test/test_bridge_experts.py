"""Meta-World's scripted experts succeed through bridge, topics and RosEnv."""

from __future__ import annotations

import json

import pytest
from paper_tasks import EXPERT_TASKS

from mentor_common.env.ros_env import RosEnv
from mentor_sim_bridge.benchmarks.experts import ScriptedExpert
from mentor_sim_bridge.bridge.fleet import BridgeFleet


def experts_through_the_stack(task: str, episodes: int) -> list[bool]:
    """Success of each episode of the suite's script, through bridge, topics and RosEnv."""
    expert = ScriptedExpert(task)
    sparse = "_sparse" if task in ("coffee-push", "soccer", "hammer") else ""
    name = f"mentor/metaworld-{task.replace('-', '_')}{sparse}-v0"
    options = {"environment_options": json.dumps({"state": "full"})}
    successes = []
    with BridgeFleet(name, 1, "/experts", options) as fleet:
        env = RosEnv(fleet.namespaces[0])
        for episode in range(episodes):
            observation, _ = env.reset(seed=1000 + episode)
            ended = success = False
            while not (ended or success):
                action = expert.act(observation["state"])
                observation, _, _, ended, info = env.step(action)
                success = info["success"]
            successes.append(success)
        env.close()
    return successes


# One here; in test_benchmark_oracles all six succeed.
@pytest.mark.parametrize("task", ["coffee-push", pytest.param("assembly", marks=pytest.mark.soak)])
def test_a_scripted_expert_succeeds_through_the_whole_stack(task: str) -> None:
    assert any(experts_through_the_stack(task, 2))


@pytest.mark.soak
@pytest.mark.parametrize("task", EXPERT_TASKS)
def test_scripted_experts_succeed_in_nine_of_ten_through_the_whole_stack(task: str) -> None:
    assert sum(experts_through_the_stack(task, 10)) >= 9
