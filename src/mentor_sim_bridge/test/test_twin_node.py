"""The cable twin as a node: what its topics carry equals what the environment gives in process."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import numpy as np
import pytest
from twin_probe import TwinProbe

from mentor_common.messages.experience import time_to_seconds
from mentor_common.tasks.cable_routing import cable_reward_of
from mentor_common.tasks.episode_draw import EpisodeDraws
from mentor_common.tasks.task import find_task
from mentor_msgs.action import Gripper, Recover
from mentor_sim_bridge.twins.cable.env import CableRoutingEnv

START = np.array([-0.3, 0.5], np.float32)


@pytest.fixture(scope="module")
def twin() -> Iterator[TwinProbe]:
    with TwinProbe() as probe:
        yield probe


def test_seed_and_actions_give_the_same_images_states_and_rewards_as_in_process(twin):
    env = CableRoutingEnv()
    draws = EpisodeDraws(find_task("cable_routing"))
    eq_7 = cable_reward_of(find_task("cable_routing"))
    for episode, seed in ((101, 7), (102, 8), (103, 7)):
        actions = np.random.default_rng(seed).uniform(-1.2, 1.2, (6, 2)).astype(np.float32)
        expected, _ = env.reset(seed=seed)
        draw = draws.draw(seed)
        motion = twin.begin(episode, seed, draw.start, draw.window_offset)
        assert np.array_equal(twin.observation(motion), expected)
        for step, action in enumerate(actions):
            expected, reward, _, _, info = env.step(action)
            motion = twin.step(episode, step, action)
            assert np.array_equal(twin.observation(motion), expected)
            assert np.array_equal(np.float32(info["pose"]), np.float32(motion.normalized))
            assert motion.clipped == info["clipped"]
            true = twin.wait(lambda key=(episode, step + 1): twin.true_states.get(key))
            slots = dict(zip(true.names, true.values, strict=True))
            assert (slots["slot_1"], slots["slot_2"]) == (info["slot_1"], info["slot_2"])
            assert sum(eq_7.terms(int(slots["slot_1"]), int(slots["slot_2"])).values()) == reward
            assert true.success == info["success"] and true.header.stamp == motion.end
    env.close()


def test_simulated_time_stands_while_nobody_acts_and_a_step_takes_its_period(twin):
    first = twin.begin(201, 0, START)
    assert first.begin == first.end
    twin.wait(lambda: twin.received["clock"].clock == first.end)
    time.sleep(0.3)
    assert twin.received["clock"].clock == first.end
    motion = twin.step(201, 0, [0.0, 0.0])
    assert time_to_seconds(motion.end) - time_to_seconds(motion.begin) == pytest.approx(0.5)
    assert motion.begin == first.end


def test_actions_of_another_step_or_episode_move_nothing(twin):
    twin.begin(301, 0, START)
    for episode, step in ((300, 0), (301, 1), (999, 0)):
        twin.send(episode, step, [1.0, 1.0])
    motion = twin.step(301, 0, [0.0, 0.0])
    assert np.allclose(motion.normalized, START, atol=0.03)
    assert not {(300, 1), (301, 2), (999, 1)} & set(twin.motions)


def test_an_action_past_its_deadline_or_from_the_future_moves_nothing(twin):
    twin.begin(401, 0, START)
    twin.send(401, 0, [1.0, 1.0], age=0.2)
    twin.send(401, 0, [1.0, 1.0], age=0.05, deadline=0.01)
    twin.send(401, 0, [1.0, 1.0], age=-0.2)
    twin.wait(lambda: "in the future" in twin.status and "clocks synchronised" in twin.status)
    assert (401, 1) not in twin.motions
    assert twin.step(401, 0, [0.0, 0.0]).normalized[0] == pytest.approx(START[0], abs=0.03)
    twin.wait(lambda: "clocks" not in twin.status)


def test_the_step_of_a_late_action_that_no_other_follows_fails(twin):
    twin.begin(451, 0, START)
    twin.send(451, 0, [1.0, 1.0], age=0.2)
    twin.wait(lambda: (451, 1) in twin.motions)
    motion = twin.motions[451, 1]
    assert motion.failed and "past their deadline" in motion.reason
    assert np.allclose(motion.normalized, START, atol=0.03)


@pytest.mark.parametrize("data", [[float("nan"), 0.0], [1.0], [0.0, 0.0, 0.0], [float("inf"), 0]])
def test_a_malformed_action_moves_nothing(twin, data):
    twin.begin(501, 0, START)
    twin.motions.pop((501, 1), None)
    twin.send(501, 0, data)
    time.sleep(0.3)
    assert (501, 1) not in twin.motions


def test_a_command_beyond_the_limits_is_cut_back_and_said_to_be(twin):
    twin.begin(601, 0, np.array([0.95, 0.95], np.float32))
    motion = twin.step(601, 0, [50.0, 0.0])
    assert motion.clipped and "clipped" in motion.reason and not motion.failed
    assert np.abs(motion.normalized).max() < 1.02


def test_a_torn_cable_fails_the_motion_and_recover_mends_it(twin):
    twin.begin(701, 0, START)
    assert twin.fail().success
    motion = twin.step(701, 0, [0.5, 0.5])
    assert motion.failed and "torn" in motion.reason
    told = twin.describe()
    assert told.ready and "torn" in told.message, "it can be reset, which ends the fault"
    twin.send(701, 1, [0.5, 0.5])
    refused = twin.move(target=START.tolist())
    assert not refused.success and "recover" in refused.message
    assert (701, 2) not in twin.motions
    assert twin.call(twin.recoverer, Recover.Goal()).success
    assert not twin.describe().message
    twin.begin(702, 0, START)
    assert not twin.step(702, 0, [0.5, 0.5]).failed


def test_a_plain_move_arrives_and_says_so(twin):
    result = twin.move(target=[0.4, 0.8], speed=0.5)
    assert result.success and np.allclose(result.reached, [0.4, 0.8], atol=0.03)
    assert twin.move(movement="release_tension").success
    outside = twin.move(target=[0.4, 1.1])
    assert not outside.success and "outside the workspace" in outside.message
    assert np.allclose(outside.reached, [0.4, 0.8], atol=0.05)
    slow = twin.move(target=[-0.8, -0.5], speed=0.01, timeout=0.5)
    assert not slow.success and "timeout" in slow.message


def test_a_movement_before_a_target_outside_the_workspace_is_not_begun(twin):
    twin.begin(751, 0, START)
    refused = twin.move(movement="release_tension", target=[0.4, 1.1])
    assert not refused.success and "nothing moved" in refused.message
    assert not twin.step(751, 0, [0.0, 0.0]).failed, "the release would have ended the episode"


def test_the_window_of_an_episode_moves_what_actions_are_clipped_to(twin):
    twin.begin(801, 0, np.array([-0.9, 0.5]), offset=[0.5, 0.0])
    first = twin.motions[801, 0]
    assert first.normalized[0] == pytest.approx(-0.5, abs=0.02), "the start is in the window"
    motion = twin.step(801, 0, [-1.0, 0.0])
    assert motion.clipped and motion.normalized[0] == pytest.approx(-0.5, abs=0.02)
    assert not twin.step(801, 1, [1.0, 0.0]).clipped
    for step in range(2, 12):
        motion = twin.step(801, step, [1.0, 0.0])
    assert motion.clipped and motion.normalized[0] == pytest.approx(1.5, abs=0.05)


def test_the_gripper_releases_the_cable_and_grasps_it_again_within_reach(twin):
    twin.begin(901, 0, START)
    for goal, reason in (
        (Gripper.Goal(command="release", width=0.2), "at most 0.08 m"),
        (Gripper.Goal(command="grasp", width=0.05), "8.0 mm wide, not 50.0 mm"),
    ):
        undone = twin.call(twin.gripper, goal)
        assert not undone.success and reason in undone.message, undone
    assert twin.call(twin.gripper, Gripper.Goal(command="grasp", width=0.01)).grasped
    open_wide = twin.call(twin.gripper, Gripper.Goal(command="release"))
    assert open_wide.success and open_wide.width > 0.07 and not open_wide.grasped
    late = twin.call(twin.gripper, Gripper.Goal(command="grasp"))
    assert not late.success and "reach" in late.message, "the cable has sprung back"
    assert twin.call(twin.gripper, Gripper.Goal(command="wave")) is None


@pytest.mark.parametrize(
    "goal", [{"target": [1.0]}, {"target": [0.0, 0.0], "speed": 2.0}, {"begins_episode": True}]
)
def test_a_bad_goal_is_rejected(twin, goal):
    assert twin.move(**goal) is None


def test_an_unknown_movement_is_named_with_those_that_are_known(twin):
    result = twin.move(movement="dance")
    assert not result.success and "dance" in result.message and "regrasp" in result.message


def test_the_description_tells_what_the_cell_is(twin):
    answer = twin.describe()
    assert (answer.task, answer.cameras) == ("cable_routing", ["side", "slot_1", "slot_2"])
    assert (answer.frames, answer.height, answer.width, answer.stacked) == (3, 84, 84, False)
    assert list(answer.action_names) == ["dx", "dz"] and answer.max_steps == 30
    robot = ET.fromstring(twin.wait(lambda: twin.received.get("robot_description")).data)
    named = {joint.get("name") for joint in robot.findall("joint")}
    assert named.issuperset(twin.wait(lambda: twin.received.get("joint_states")).name)


def test_in_real_time_steps_take_their_period_and_the_clock_goes_on_by_itself():
    with TwinProbe(realtime="true") as twin:
        twin.begin(1, 0, START)
        began = time.monotonic()
        for step in range(3):
            # A busy machine may hand the action over later than the task's 0.1 s.
            twin.step(1, step, [0.0, 0.0], deadline=30.0)
        assert time.monotonic() - began > 1.2  # of 1.5 s; a busy machine takes longer
        clock = time_to_seconds(twin.received["clock"].clock)
        twin.wait(lambda: time_to_seconds(twin.received["clock"].clock) > clock + 0.2)
