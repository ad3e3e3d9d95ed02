"""The peg twin as a node: its topics carry what the environment gives in process, and the force."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from twin_probe import TwinProbe

from mentor_common.messages import topics
from mentor_common.tasks.episode_draw import EpisodeDraws
from mentor_common.tasks.reward_model import (
    EpisodeInfo,
    RewardOptions,
    StepInputs,
    make_reward,
)
from mentor_common.tasks.task import find_task
from mentor_msgs.action import Gripper
from mentor_sim_bridge.twins.peg.env import PegInsertionEnv
from mentor_sim_bridge.twins.peg.scene import CAMERAS
from mentor_sim_bridge.twins.peg.shapes import PEGS

TASK = find_task("peg_insertion")
TAKES_STAR = [-0.78571, -0.75, -0.9925, 0.0]


@pytest.fixture(scope="module")
def twin() -> Iterator[TwinProbe]:
    with TwinProbe(CAMERAS, task="peg_insertion") as probe:
        yield probe


def grasp(twin: TwinProbe, **goal: object) -> Gripper.Result:
    return twin.call(twin.gripper, Gripper.Goal(command="grasp", **goal))


def test_the_gripper_tells_the_pegs_apart_by_the_width_of_what_it_holds(twin):
    assert not grasp(twin, width=0.010).success  # an empty hand
    twin.call(twin.gripper, Gripper.Goal(command="release"))
    assert twin.move(target=[*TAKES_STAR[:2], 1.0, 0.0]).success
    assert twin.move(target=TAKES_STAR).success
    assert not grasp(twin, width=0.026).success  # the arrow's
    taken = grasp(twin, width=0.010)
    assert taken.success and taken.grasped and taken.width == pytest.approx(0.010)
    assert twin.move(target=[*TAKES_STAR[:2], 1.0, 0.0]).success
    assert grasp(twin, width=0.010).success


def test_seed_and_actions_give_the_same_images_states_and_rewards_as_in_process(twin):
    env, draws = PegInsertionEnv(), EpisodeDraws(TASK)
    model = make_reward(TASK, RewardOptions(states="ground_truth"))
    model.begin_episode(EpisodeInfo(1, options={"peg": "star"}), None)
    for episode, seed in ((101, 7), (102, 8), (103, 7)):
        draw = draws.draw(seed)
        motion = twin.begin(episode, seed, draw.start, draw.window_offset)
        true = twin.wait(lambda key=(episode, 0): twin.true_states.get(key))
        peg = PEGS[int(true.values[0])]  # the one in the hand: the star, taken by the test before
        assert peg == "star"
        expected, _ = env.reset(seed=seed, options={"peg": peg})
        assert np.array_equal(twin.observation(motion), expected)
        for step in range(4):
            action = np.where(np.arange(4) == 2, -1.0, env.expert_action()).astype(np.float32)
            expected, reward, _, _, info = env.step(action)
            motion = twin.step(episode, step, action)
            assert np.array_equal(twin.observation(motion), expected)
            assert np.array_equal(np.float32(info["pose"]), np.float32(motion.normalized))
            true = twin.wait(lambda key=(episode, step + 1): twin.true_states.get(key))
            values = dict(zip(true.names, true.values, strict=True))
            assert values == {name: info[name] for name in values}
            assert true.success == info["success"]
            pose = np.array(motion.normalized, np.float64)
            inputs = StepInputs(episode, step + 1, pose, 0, 0, ground_truth=values)
            assert model.compute(inputs).value == reward
    env.close()


def test_it_publishes_the_force_with_which_the_peg_presses_on_the_board(twin):
    goal = TASK.workspace.to_normalised([0.52, 0.025, 0.10, 0.0])  # between two sockets
    twin.begin(201, 3, goal)
    for step in range(8):
        twin.step(201, step, [0.0, 0.0, -1.0, 0.0])
    wrench = twin.wait(lambda: twin.received.get(topics.WRENCH.name))
    assert wrench.header.frame_id == TASK.workspace.frame
    assert -30.0 < wrench.wrench.force.z < -5.0  # signed as a Franka's: what the hand exerts
