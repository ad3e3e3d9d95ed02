"""The reward node as a process, over real DDS."""

from __future__ import annotations

import time

import pytest
from fake_stream import FakeStream
from task_node import task_node
from test_cable_reward import BY_HAND

pytestmark = pytest.mark.real_time

ERROR = 2


@pytest.fixture(scope="module")
def truth():
    """A stream, and a reward node that takes the true states; each test has its own episode."""
    stream = FakeStream()
    try:
        with task_node(
            "mentor_reward.nodes.reward_node",
            states="ground_truth",
            observation_timeout=0.6,
            max_steps=40,
        ):
            stream.wait_for_node("ground_truth")
            yield stream
    finally:
        stream.close()


def test_every_pair_of_true_states_is_rewarded_by_eq_7_with_its_terms(truth):
    for step, (first, second) in enumerate([(f, s) for f in range(4) for s in range(7)], start=1):
        truth.truth(1, step, first, second)
        truth.observation(1, step)
        truth.motion(1, step)
        reward = truth.reward(1, step)
        assert reward.value == BY_HAND[first][second] == sum(reward.terms)
        assert list(reward.term_names) == ["slot_1", "slot_2", "bonus"]
        assert reward.success == ((first, second) == (3, 6))
        assert reward.valid and not reward.terminated and not reward.truncated
        assert reward.header.stamp.sec == 100 + step


def test_the_episode_is_truncated_at_its_last_step_and_stays_valid(truth):
    rewards = []
    for step in (39, 40):
        truth.motion(2, step)
        truth.observation(2, step)
        truth.truth(2, step, 3, 6)
        # Of two steps that a node finds as it starts, the older one is history.
        rewards.append(truth.reward(2, step))
    before, last = rewards
    assert not before.truncated
    assert last.truncated and last.valid and last.success and not last.terminated


def test_a_reset_has_no_reward(truth):
    truth.motion(3, 0)
    truth.observation(3, 0)
    truth.truth(3, 0, 0, 0)
    time.sleep(0.9)
    assert not [r for r in truth.rewards if r.episode == 3]


def test_a_step_without_observation_ends_the_episode_loudly_and_is_not_to_be_learned_from(truth):
    truth.motion(4, 4)
    truth.observation(4, 4)
    truth.truth(4, 4, 3, 6)
    assert truth.reward(4, 4).valid  # a node that has seen no step yet waits for none
    began = time.monotonic()
    truth.motion(4, 5)
    truth.truth(4, 5, 3, 6)
    reward = truth.reward(4, 5)
    assert 0.5 < time.monotonic() - began < 3.0
    assert (reward.valid, reward.truncated, reward.terminated) == (False, True, False)
    assert reward.reason == "no observation from the stacker in 0.6 s" and not reward.success
    assert truth.wait(
        lambda: any(level == ERROR and "episode 4" in text for level, text in truth.diagnostics),
        60.0,
    )
    truth.observation(4, 5)  # it comes after all: too late
    time.sleep(0.3)
    assert truth.reward(4, 5).valid is False


def test_a_failed_motion_ends_the_episode_at_once_with_its_reason(truth):
    truth.motion(5, 7, failed="cable torn from the gripper")
    reward = truth.reward(5, 7, seconds=0.5)
    assert (reward.valid, reward.truncated) == (False, True)
    assert reward.reason == "motion failed: cable torn from the gripper"
    truth.observation(5, 7)
    truth.truth(5, 7, 3, 6)
    time.sleep(0.8)
    assert truth.reward(5, 7).valid is False


def test_what_is_told_twice_is_rewarded_once(truth):
    for _ in range(2):
        truth.motion(6, 1)
        truth.observation(6, 1)
        truth.truth(6, 1, 3, 5)
    assert truth.reward(6, 1).value == 18.0
    time.sleep(0.8)
    assert truth.reward(6, 1).value == 18.0


def test_motions_of_a_stranger_are_named_once_a_second_however_many_come(truth):
    began = time.monotonic()
    for step in range(1, 101):
        truth.motion(8, step, failed="of a stranger")
        truth.action(8, step, size=3)  # of a wrong size: a warning beside the errors
    assert truth.wait(lambda: sum(r.episode == 8 for r in truth.rewards) == 100, 60.0)
    time.sleep(0.3)
    named = [line for line in truth.log if "of a stranger" in line]
    assert 1 <= len(named) <= 2 + time.monotonic() - began, named
