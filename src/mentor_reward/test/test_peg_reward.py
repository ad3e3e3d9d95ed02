"""Eq. 6 against values worked by hand, and what the reward is given to compute it from."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from mentor_common.tasks.peg_insertion import peg_reward_of
from mentor_common.tasks.reward_model import EpisodeInfo, RewardOptions, StepInputs, make_reward
from mentor_common.tasks.task import find_task

TASK = find_task("peg_insertion")
GOALS = {"star": -0.625, "triangle": 0.0, "arrow": 0.625}
AT_THE_GOAL = 15.096894
"""(sqrt(2) 16 + 2 6 + pi/2 8 - 17) / 2."""


def reward_model(states: str = "sensors", peg: str = "star"):
    model = make_reward(TASK, RewardOptions(states=states))
    model.begin_episode(EpisodeInfo(1, options={"peg": peg}), None)
    return model


def step(pose, **inputs) -> StepInputs:
    return StepInputs(1, 1, np.array(pose), 0, 0, **inputs)


@pytest.mark.parametrize(
    ("off", "reward", "terms"),
    [
        ([0, 0, 0, 0], AT_THE_GOAL, (11.313708, 6.0, 6.283185)),
        ([0.3, -0.4, 0, 0], AT_THE_GOAL - 4.0, (7.313708, 6.0, 6.283185)),
        ([0, 0, 1.0, 0], AT_THE_GOAL - 3.0, (11.313708, 3.0, 6.283185)),
        ([0, 0, 0, -0.2], AT_THE_GOAL - 0.753982, (11.313708, 6.0, 5.529203)),  # 0.06 pi, times 4
        ([0.3, 0.4, 1.0, 0.2], 7.342912, (7.313708, 3.0, 5.529203)),
        ([-2.0, 0, 2.0, 0], -6.903106, (-4.686292, 0.0, 6.283185)),
    ],
)
@pytest.mark.parametrize("peg", GOALS)
def test_eq_6_equals_values_worked_by_hand_with_table_3(peg, off, reward, terms):
    goal = peg_reward_of(TASK).goal(peg)
    assert goal[1] == GOALS[peg]
    computed = reward_model(peg=peg).compute(step(goal + off))
    assert computed.value == pytest.approx(reward, abs=1e-6)
    named = dict(zip(("distance", "height", "angle", "offset"), (*terms, -8.5), strict=True))
    assert computed.terms == pytest.approx(named, abs=1e-6)
    assert computed.value == sum(computed.terms.values())


@pytest.mark.parametrize(
    ("r", "goal", "angle"),
    [(0.95, -0.95, 0.1), (-0.95, 0.95, 0.1), (0.5, -0.5, 1.0), (2.3, 0.2, 0.1)],
)  # in multiples of pi
def test_angles_wrap(r, goal, angle):
    reward = replace(peg_reward_of(TASK), turn=math.pi)
    terms = reward.terms([0, 0, 0, r], [0, 0, 0, goal])
    assert terms["angle"] == pytest.approx(0.5 * (math.pi / 2 - angle * math.pi) * 8)


def test_a_pose_tells_success_only_near_the_goal_of_the_peg_in_hand():
    goal = peg_reward_of(TASK).goal("star")
    other = peg_reward_of(TASK).goal("arrow")
    model = reward_model()
    assert model.compute(step(goal)).success
    for off in ([0.25, 0, 0, 0], [0, 0, 0.15, 0], [0, 0, 0, 0.3]):
        assert not model.compute(step(goal + off)).success
    assert not model.compute(step(other)).success


def test_the_ground_truth_decides_goal_and_success():
    goal = TASK.workspace.to_metric([0.75, -0.6, -1.0, 0.05])
    truth = {f"goal_{axis}": value for axis, value in zip("xyzr", goal, strict=True)}
    model = reward_model("ground_truth")
    for inserted in (0.0, 1.0):
        values = {"peg": 0.0, "inserted": inserted, **truth}
        computed = model.compute(step([0.75, -0.6, -1.0, 0.05], ground_truth=values))
        assert computed.value == pytest.approx(AT_THE_GOAL, abs=1e-6)
        assert computed.success == bool(inserted)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "lacks"),
        ({"peg": 2.0}, "^the arrow peg is in the hand; the reset announced the star"),
        ({"peg": -1.0}, "no peg"),
    ],
)
def test_a_ground_truth_that_contradicts_the_reset_is_refused(values, reason):
    whole = {"inserted": 0.0, **{f"goal_{axis}": 0.0 for axis in "xyzr"}, **values}
    with pytest.raises(ValueError, match=reason):
        reward_model("ground_truth").compute(
            step(np.zeros(4), ground_truth=whole if values else {})
        )


def test_an_empty_hand_is_named_though_its_ground_truth_has_no_goal():
    with pytest.raises(ValueError, match="no peg is in the hand; the reset announced the star peg"):
        reward_model("ground_truth").compute(
            step(np.zeros(4), ground_truth={"peg": -1.0, "force": 0.0})
        )


def test_an_unknown_peg_and_an_unknown_pose_are_refused():
    for options in ({}, {"peg": "moon"}):
        with pytest.raises(
            ValueError, match=r"none of the task's, \['star', 'triangle', 'arrow'\]"
        ):
            reward_model().begin_episode(EpisodeInfo(2, options=options), None)
    with pytest.raises(ValueError, match="4 finite numbers"):
        reward_model().compute(step([0.0, 0.0, math.nan, 0.0]))


def test_a_place_without_all_axes_or_with_no_number_is_refused_by_its_name():
    reward, place = peg_reward_of(TASK), [0.1, 0.2, -0.3, 0.4]
    with pytest.raises(
        ValueError, match=r"^position \[0.1, 0.2\]: 4 finite numbers .*'x', 'y', 'z'"
    ):
        reward.terms([0.1, 0.2], place)
    with pytest.raises(ValueError, match=r"^goal \[nan, 0.2, -0.3, 0.4\]: 4 finite numbers"):
        reward.is_reached(place, [math.nan, *place[1:]])
