"""Eq. 7, success and truncation, against values worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentor_common.tasks.cable_routing import Slot1, Slot2, cable_reward, cable_reward_of
from mentor_common.tasks.task import load_task
from mentor_reward.rewards.cable_routing import judge_fault, judge_states

TASK = Path(__file__).parents[3] / "launch" / "tasks" / "cable_routing.yaml"
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
def table():
    return cable_reward_of(load_task(TASK))


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_eq_7_equals_the_table_worked_out_by_hand(first, second, table):
    assert cable_reward(first, second) == BY_HAND[first][second]
    assert judge_states(first, second, 1, 40).value == BY_HAND[first][second]
    assert judge_states(first, second, 1, 40, table).value == BY_HAND[first][second]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_the_terms_add_up_to_the_reward_and_the_task_file_says_the_same(first, second, table):
    by_paper, by_file = (judge_states(first, second, 1, 40, t) for t in (None, table))
    assert by_paper == by_file
    assert list(by_paper.terms) == ["slot_1", "slot_2", "bonus"]
    assert sum(by_paper.terms.values()) == by_paper.value


def test_only_the_cable_fully_inside_both_slots_is_a_success(table):
    wins = [pair for pair in PAIRS if judge_states(*pair, 1, 40, table).success]
    assert wins == [(Slot1.INSIDE, Slot2.FULLY_INSIDE)]


def test_an_episode_is_truncated_at_its_last_step_and_not_before():
    assert not judge_states(3, 6, 39, 40).truncated
    assert judge_states(3, 6, 40, 40).truncated
    assert judge_states(0, 0, 40, 40).valid


def test_a_fault_truncates_and_is_not_to_be_learned_from():
    verdict = judge_fault("cable torn")
    assert (verdict.truncated, verdict.valid, verdict.success) == (True, False, False)
    assert verdict.reason == "cable torn"


@pytest.mark.parametrize("pair", [(-1, 0), (4, 0), (0, 7), (0, -1)])
def test_a_state_that_no_slot_has_is_refused(pair):
    with pytest.raises(ValueError, match="is not a valid Slot"):
        cable_reward(*pair)
