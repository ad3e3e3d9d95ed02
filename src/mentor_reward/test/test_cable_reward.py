"""Eq. 7 of cable routing, success and truncation, against values worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from task_node import TASK

from mentor_common.tasks.cable_routing import Slot1, Slot2, cable_reward_of
from mentor_common.tasks.reward_model import RewardOptions, StepInputs, make_reward
from mentor_reward.rewards.cable_routing import CableRoutingReward

# App. C.3 with C5 = 3: rows are the states of slot 1, columns those of slot 2, both from outside to
# inside. Only with slot 1 filled (5 >= 2) does slot 2 pay: 5 + (r_slot2 + 3).
BY_HAND = [
    #  -3   -1    1    3    5   10   15   <- r_slot2
    [-3.0, -3.0, -3.0, -3.0, -3.0, -3.0, -3.0],  # outside
    [-1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0],  # on the side
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],  # above: 1 < 2
    [5.0, 7.0, 9.0, 11.0, 13.0, 18.0, 23.0],  # inside
]
PAIRS = [(first, second) for first in range(4) for second in range(7)]


@pytest.fixture(scope="module")
def reward():
    return make_reward(TASK, RewardOptions(states="ground_truth"))


def after(first, second):
    """A step after which the slots are in these states."""
    truth = {"slot_1": float(first), "slot_2": float(second)}
    return StepInputs(1, 1, pose=None, begin=0, end=1, ground_truth=truth)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_eq_7_equals_the_table_worked_out_by_hand(first, second, reward):
    computed = reward.compute(after(first, second))
    assert computed.value == BY_HAND[first][second] == sum(computed.terms.values())
    assert list(computed.terms) == ["slot_1", "slot_2", "bonus"]
    assert computed.valid and not computed.terminated


def test_the_values_are_those_of_the_task_file():
    values = cable_reward_of(TASK)
    other = replace(values, bonus=30.0, threshold=1.0)
    assert other.terms(Slot1.ABOVE, Slot2.SIDE) == {"slot_1": 1.0, "slot_2": -1.0, "bonus": 30.0}


def test_only_the_cable_fully_inside_both_slots_is_a_success(reward):
    wins = [pair for pair in PAIRS if reward.compute(after(*pair)).success]
    assert wins == [(Slot1.INSIDE, Slot2.FULLY_INSIDE)]


@pytest.mark.parametrize("pair", [(-1, 0), (4, 0), (0, 7), (0, -1)])
def test_a_state_that_no_slot_has_is_refused(pair, reward):
    with pytest.raises(ValueError, match="is not a valid Slot"):
        reward.compute(after(*pair))


def test_a_ground_truth_without_the_slots_is_refused_by_name(reward):
    lacking = replace(after(0, 0), ground_truth={"slot_1": 0.0, "depth": 3.0})
    with pytest.raises(ValueError, match=r"lacks \['slot_2'\]; it has \['depth', 'slot_1'\]"):
        reward.compute(lacking)


def test_only_the_ground_truth_needs_a_twin():
    assert CableRoutingReward(TASK, RewardOptions(states="ground_truth")).needs.ground_truth
    assert not CableRoutingReward(TASK, RewardOptions()).needs.ground_truth
