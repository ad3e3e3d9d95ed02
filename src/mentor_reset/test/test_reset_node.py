"""The reset node as a process, over real DDS, with an arm that can fail."""

from __future__ import annotations

import time

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from asking import leave_one_goal_unanswered
from fake_arm import FakeArm
from task_node import TASK, task_node

from mentor_common.tasks.cable_routing import StartPoses
from mentor_reset.routines.routine import BEGIN


@pytest.fixture(scope="module")
def shared():
    arm = FakeArm()
    try:
        with task_node(
            "mentor_reset.nodes.reset_node", observation_timeout=10.0, move_timeout=20.0
        ):
            yield arm
    finally:
        arm.close()


@pytest.fixture
def arm(shared):
    shared.forget()
    return shared


def begins(arm):
    return [goal for goal in arm.goals if goal.begins_episode]


def test_a_seeded_reset_ends_where_the_environment_in_process_would_begin(arm):
    answer = arm.reset(seed=5)
    assert answer.status == GoalStatus.STATUS_SUCCEEDED and answer.result.success
    bounds = TASK.reset.start.values()
    (begin,) = begins(arm)
    start = StartPoses(*zip(*bounds, strict=True)).draw(5)
    assert np.array_equal(np.array(begin.target, np.float32), start)
    assert (begin.seeded, begin.seed, begin.episode) == (True, 5, answer.result.episode)
    assert all(not g.seeded and g.episode == 0 for g in arm.goals if not g.begins_episode)


def test_a_move_that_nobody_answers_is_asked_for_again(arm):
    leave_one_goal_unanswered()
    assert arm.reset(seed=5).result.success


def test_without_a_seed_the_starts_go_on_and_stay_within_the_bounds(arm):
    sequence = StartPoses(*zip(*TASK.reset.start.values(), strict=True))
    arm.reset(seed=8)
    arm.reset()
    arm.reset()
    wanted = [sequence.draw(8), sequence.draw(), sequence.draw()]
    for begin, start in zip(begins(arm), wanted, strict=True):
        assert np.array_equal(np.array(begin.target, np.float32), start)
        for value, (low, high) in zip(start, TASK.reset.start.values(), strict=True):
            assert low <= value <= high
    assert [begin.seeded for begin in begins(arm)] == [True, False, False]


def test_each_episode_has_a_number_of_its_own_above_the_time_in_milliseconds(arm):
    numbers = [arm.reset().result.episode for _ in range(3)]
    assert numbers == sorted(set(numbers))
    assert abs(numbers[-1] / 1000 - time.time()) < 3600


def test_feedback_names_every_stage_in_order_with_growing_progress(arm):
    arm.reset()
    stages = list(dict.fromkeys(f.stage for f in arm.feedback))
    assert stages == ["release_tension", "lift", "move_to_start", "wait_until_still", BEGIN]
    shares = [f.progress for f in arm.feedback]
    assert shares == sorted(shares)


def test_a_move_that_fails_once_is_recovered_from_and_tried_anew_under_a_new_number(arm):
    torn = [True]

    def answer(goal):
        if goal.routine == "recover":
            torn[0] = False
        return "cable torn from the gripper" if torn[0] and goal.begins_episode else ""

    arm.answer = answer
    result = arm.reset(seed=3).result
    assert result.success
    first, second = begins(arm)
    assert second.episode == result.episode > first.episode
    assert list(first.target) == list(second.target), "the start stays the seed's"
    assert [goal.routine for goal in arm.goals].count("recover") == 1


def test_a_move_that_always_fails_ends_the_reset_with_stage_and_reason(arm):
    arm.answer = lambda goal: "joint 4 at its limit" if goal.routine != "recover" else ""
    answer = arm.reset()
    assert answer.status == GoalStatus.STATUS_ABORTED and not answer.result.success
    assert "stage 'release_tension': joint 4 at its limit" in answer.result.message
    assert len([g for g in arm.goals if g.routine == "release_tension"]) == TASK.reset.attempts


@pytest.mark.real_time
def test_a_cancelled_reset_stops_the_arm_and_says_so(arm):
    arm.slow = lambda goal: 20.0
    began = time.monotonic()
    answer = arm.reset(cancel_after=0.5)
    assert answer.status == GoalStatus.STATUS_CANCELED
    assert "cancelled" in answer.result.message and time.monotonic() - began < 5.0
    assert arm.wait(lambda: arm.cancelled > 0, 30.0)
    time.sleep(0.3)
    assert arm.cancelled == 1 and not begins(arm)


@pytest.mark.real_time
def test_a_reset_that_takes_too_long_ends_in_time_and_the_arm_stops(arm):
    arm.slow = lambda goal: 20.0 if goal.begins_episode else 0.0
    began = time.monotonic()
    answer = arm.reset(timeout=1.5)
    assert answer.status == GoalStatus.STATUS_ABORTED
    assert 1.0 < time.monotonic() - began < 4.0
    assert "never finishes" in answer.result.message and BEGIN in answer.result.message
    assert arm.wait(lambda: arm.cancelled > 0, 30.0)
    assert arm.cancelled == 1


def test_an_episode_without_its_first_observation_has_not_begun(arm):
    arm.shows = False
    answer = arm.reset(timeout=2.5)
    assert not answer.result.success
    assert "no Observation(" in answer.result.message and "stacker" in answer.result.message


@pytest.mark.real_time
def test_while_the_arm_is_away_the_feedback_says_who_is_waited_for_and_it_goes_on_after(arm):
    arm.vanish()
    answer = arm.reset(timeout=3.0)
    assert not answer.result.success and "move_to" in answer.result.message
    assert any("move_to" in f.waiting_for and "arm or twin" in f.waiting_for for f in arm.feedback)
    arm.serve()
    arm.forget()
    assert arm.reset().result.success
