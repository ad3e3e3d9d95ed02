"""The reset node as a process, over real DDS, with an arm that can fail."""

from __future__ import annotations

import time

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from asking import leave_one_goal_unanswered
from fake_arm import FakeArm
from task_node import TASK, task_node

from mentor_common.messages.episode_numbers import follows
from mentor_common.tasks.episode_draw import EpisodeDraws
from mentor_common.tasks.reset_routine import BEGIN_EPISODE as BEGIN


@pytest.fixture(scope="module")
def shared():
    arm = FakeArm()
    try:
        with task_node("mentor_reset.nodes.reset_node", observation_timeout=10.0):
            yield arm
    finally:
        arm.close()


@pytest.fixture
def arm(shared):
    shared.forget()
    return shared


@pytest.fixture
def rested(arm):
    """After a reset that succeeded: the next one begins without a pause."""
    assert arm.reset().result.success
    arm.forget()
    return arm


def begins(arm):
    return [goal for goal in arm.goals if goal.begins_episode]


def test_a_seeded_reset_begins_where_the_environment_in_process_would(arm):
    answer = arm.reset(seed=5)
    assert answer.status == GoalStatus.STATUS_SUCCEEDED and answer.result.success
    (begin,) = begins(arm)
    draw = EpisodeDraws(TASK).draw(5)
    assert np.array_equal(np.array(begin.target, np.float32), draw.start)
    assert np.array_equal(np.array(begin.window_offset, np.float32), draw.window_offset)
    assert (begin.seeded, begin.seed, begin.episode) == (True, 5, answer.result.episode)
    assert all(not g.seeded and g.episode == 0 for g in arm.goals if not g.begins_episode)


def test_what_was_drawn_is_published(arm):
    answer = arm.reset(seed=5)
    assert arm.wait(lambda: bool(arm.starts), 30.0)
    (start,), (begin,) = arm.starts, begins(arm)
    assert (start.episode, start.seeded, start.seed) == (answer.result.episode, True, 5)
    assert list(start.start) == list(begin.target)
    assert list(start.window_offset) == list(begin.window_offset)


def test_an_option_that_is_no_json_is_refused_by_name(arm):
    answer = arm.reset(options={"colour": "red"})
    assert not answer.result.success and not arm.goals
    assert "option 'colour': 'red' is no JSON" in answer.result.message


@pytest.mark.parametrize("timeout", [float("nan"), -1.0])
def test_a_timeout_that_is_none_is_refused_before_anything_moves(arm, timeout):
    answer = arm.reset(timeout=timeout)
    assert not answer.result.success and not arm.goals
    assert f"timeout is {timeout:g}, must be seconds" in answer.result.message


def test_an_option_that_the_routine_does_not_read_is_refused_by_name(arm):
    answer = arm.reset(options={"colour": '"red"'})
    assert not answer.result.success and not arm.goals
    assert "option 'colour' is unknown; known: none" in answer.result.message


def test_a_move_that_nobody_answers_is_asked_for_again(arm):
    leave_one_goal_unanswered()
    assert arm.reset(seed=5).result.success


def test_without_a_seed_the_starts_go_on_and_stay_within_the_bounds(arm):
    sequence = EpisodeDraws(TASK)
    arm.reset(seed=8)
    arm.reset()
    arm.reset()
    for begin, draw in zip(
        begins(arm), [sequence.draw(8), sequence.draw(), sequence.draw()], strict=True
    ):
        assert np.array_equal(np.array(begin.target, np.float32), draw.start)
        assert np.array_equal(np.array(begin.window_offset, np.float32), draw.window_offset)
    assert [begin.seeded for begin in begins(arm)] == [True, False, False]
    assert arm.wait(lambda: len(arm.starts) == 3, 30.0)
    for start in arm.starts:  # each names a seed that draws it again, asked for or not
        again = EpisodeDraws(TASK).draw(start.seed)
        assert list(start.window_offset) == again.window_offset.tolist()


def test_the_episodes_of_a_node_are_numbered_one_after_the_other(arm):
    first, second = (arm.reset().result.episode for _ in range(2))
    assert follows(second, first)


def test_a_strangers_episode_makes_no_later_one_look_old(arm):
    for stranger in (2**64 - 1, 2**62):
        arm.show(stranger)
        assert arm.reset().result.success


def test_feedback_names_every_stage_in_order_with_growing_progress(arm):
    arm.reset()
    stages = list(dict.fromkeys(f.stage for f in arm.feedback))
    assert stages == ["release_tension", "lift", "move_to_start", "wait_until_still", BEGIN]
    shares = [f.progress for f in arm.feedback]
    assert shares == sorted(shares)


def test_a_move_that_fails_once_is_recovered_from_and_tried_anew_under_a_new_number(arm):
    arm.answer = lambda goal: "cable torn" if not arm.recovered and goal.begins_episode else ""
    result = arm.reset(seed=3).result
    assert result.success and arm.recovered == 1
    first, second = begins(arm)
    assert second.episode == result.episode != first.episode
    assert list(first.target) == list(second.target), "the start stays the seed's"


def test_a_move_that_always_fails_ends_the_reset_with_stage_and_reason(arm):
    arm.answer = lambda goal: "joint 4 at its limit"
    answer = arm.reset()
    assert answer.status == GoalStatus.STATUS_ABORTED and not answer.result.success
    assert "stage 'release_tension': joint 4 at its limit" in answer.result.message
    assert len(arm.goals) == TASK.reset.attempts


def test_a_fault_that_no_recovery_ends_ends_the_reset_with_its_reason(arm):
    arm.answer = lambda goal: "in fault"
    arm.recovery = lambda: "the user stop is pressed; release it"
    answer = arm.reset()
    assert not answer.result.success and len(arm.goals) == 1
    assert "stage 'recover': the user stop is pressed; release it" in answer.result.message


def test_a_move_that_stops_short_of_its_target_is_no_success(arm):
    arm.stops_short = 0.3
    answer = arm.reset()
    assert not answer.result.success and not begins(arm)
    assert "stage 'lift': reached [" in answer.result.message


@pytest.mark.real_time
def test_a_cancelled_reset_stops_the_arm_and_says_so(rested):
    arm = rested
    arm.slow = lambda goal: 20.0
    began = time.monotonic()
    answer = arm.reset(cancel_after=0.5)
    assert answer.status == GoalStatus.STATUS_CANCELED
    assert "cancelled" in answer.result.message and time.monotonic() - began < 5.0
    assert arm.wait(lambda: arm.cancelled > 0, 30.0)
    time.sleep(0.3)
    assert arm.cancelled == 1 and not begins(arm)


@pytest.mark.real_time
def test_a_reset_that_takes_too_long_ends_in_time_and_the_arm_stops(rested):
    arm = rested
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


@pytest.mark.real_time
def test_resets_that_fail_in_a_row_begin_after_pauses_that_grow(rested):
    rested.answer = lambda goal: "in fault"
    rested.recovery = lambda: "in fault"
    times = [time.monotonic()]
    for _ in range(3):
        rested.reset()
        times.append(time.monotonic())
    first, second, third = np.diff(times)
    assert first + 0.4 < second < third - 0.4 and len(rested.goals) == 3
