"""A seed and actions give the same bits in every twin, whatever came before."""

from __future__ import annotations

import numpy as np
import pytest

from mentor_common.arm.backend import GripperCommand
from mentor_sim_bridge.twins.cable.env import CableRoutingEnv
from mentor_sim_bridge.twins.golf.env import GolfEnv
from mentor_sim_bridge.twins.peg.env import PegInsertionEnv

STEPS = 4


@pytest.mark.parametrize("make", [CableRoutingEnv, PegInsertionEnv, GolfEnv])
def test_seed_and_actions_repeat_bit_for_bit_whatever_came_before(make):
    env = make()

    def run(seed: int) -> list:
        random = np.random.default_rng(seed)
        trace = [env.reset(seed=seed)[0]]
        for _ in range(STEPS):
            action = random.uniform(-1, 1, env.action_space.shape).astype(np.float32)
            image, reward, _, _, info = env.step(action)
            trace += [image, reward, env.simulator.data.qpos.copy(), info["pose"]]
        return trace

    first = run(3)
    run(4)
    if make is PegInsertionEnv:
        env.simulator.gripper(GripperCommand("release"))
    env.simulator.fault = "a fault of the test"
    env.simulator.recover()
    assert all(np.array_equal(a, b) for a, b in zip(first, run(3), strict=True))
    env.close()
