"""Eq. 8 against values worked by hand, and the angle at which the ball is best struck."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from mentor_common.tasks.golf_court import BallPlace, Rectangle
from mentor_common.tasks.tabletop_golf import golf_reward_of
from mentor_common.tasks.task import load_task

TASK = load_task(Path(__file__).parents[3] / "launch" / "tasks" / "tabletop_golf.yaml")
REWARD = golf_reward_of(TASK)
ON, HOLE, WATER, OUT = (BallPlace(value) for value in range(4))

# The hole is at (0, -0.8); C8 = 4, C9 = 8, C10 = 2, C11 = 10, C6 = 20, C7 = 5. In each line: club,
# ball, strike, place; then club to ball, ball to hole, angle and wrong side, worked by hand.
BY_HAND = [
    ((0.0, 0.2, 0.0), (0.0, -0.4), False, ON, 5.6, 12.8, 4.0, 0.0),
    ((0.0, 0.2, 0.0), (0.0, -0.4), True, ON, 5.6, 12.8, 4.0, 0.0),
    ((0.0, 0.2, 0.5), (0.0, -0.4), False, ON, 5.6, 12.8, 3.0, 0.0),
    ((0.0, 0.2, -1.0), (0.0, -0.4), False, ON, 5.6, 12.8, 2.0, 0.0),
    ((0.3, 0.0, 0.0), (0.0, -0.4), False, ON, 6.0, 12.8, 4.0, 0.0),
    ((0.6, 0.4, 0.25), (0.0, -0.4), True, ON, 4.0, 12.8, 3.5, 0.0),
    # The club beside the ball, 0.05 behind it, and far on its wrong side.
    ((0.0, -0.4, 0.0), (0.0, -0.4), False, ON, 8.0, 12.8, 4.0, -0.5),
    ((0.0, -0.35, 0.0), (0.0, -0.4), False, ON, 7.8, 12.8, 4.0, 0.0),
    ((0.0, -1.0, 0.0), (0.0, -0.4), False, ON, 5.6, 12.8, 4.0, -6.5),
    ((-1.0, -1.0, 1.0), (1.0, -0.4), False, ON, -0.3523, 7.3836, 0.1694, -6.5),
    # Beyond the hole the best angle is out of the feasible range, and counts as its end.
    ((0.0, -0.5, 1.0), (0.0, -0.9), False, ON, 6.4, 15.2, 4.0, 0.0),
    # Close to the water on the straight line: 80 degrees would be best, 45 are feasible.
    ((0.0, 0.5, -1.0), (0.0, 0.3), False, ON, 7.2, 7.2, 4.0, 0.0),
    # From the middle of the start past the water's corner: atan(0.10135 / 0.14865), over pi / 4.
    ((0.0, 0.925, -0.76188), (0.0, 0.625), False, ON, 6.8, 4.6, 4.0, 0.0),
    ((0.0, 0.925, 0.0), (0.0, 0.625), False, ON, 6.8, 4.6, 2.4762, 0.0),
    # From either side of it: atan(0.03135 / 0.14865).
    ((0.5, 0.925, 0.26470), (0.5, 0.625), False, ON, 6.8, 3.9187, 4.0, 0.0),
    ((-0.5, 0.925, -0.26470), (-0.5, 0.625), True, ON, 6.8, 3.9187, 4.0, 0.0),
    # Past the water the hole is free: atan(-0.14 / 0.24).
    ((1.0, 0.3, -0.67235), (1.0, -0.2), False, ON, 6.0, 6.6705, 4.0, 0.0),
    # Both indicators, with and without a strike.
    ((0.0, 0.2, 0.0), (0.0, -0.8), False, HOLE, 4.0, 16.0, 4.0, 0.0),
    ((0.0, 0.2, 0.0), (0.05, -0.79), True, HOLE, 4.0, 16.0, 4.0, 0.0),
    ((0.0, 0.2, 0.0), (0.0, -0.6), False, OUT, 4.8, 14.4, 4.0, 0.0),
    ((0.0, 0.2, 0.0), (0.0, -0.6), True, OUT, 4.8, 14.4, 4.0, 0.0),
    ((0.0, 0.6, -1.0), (0.0, 0.0), False, WATER, 5.6, 9.6, 4.0, 0.0),
]


@pytest.mark.parametrize("case", BY_HAND)
def test_eq_8_is_what_was_worked_by_hand(case) -> None:
    club, ball, struck, place, near, hole, angle, side = case
    terms = REWARD.terms(club, ball, struck, place)
    expected = {
        "club_to_ball": near,
        "ball_to_hole": hole,
        "strike": -1.0 if struck else 0.0,
        "angle": angle,
        "wrong_side": side,
        "hole": 20.0 if place is HOLE else 0.0,
        "out_of_bounds": -5.0 if place is OUT else 0.0,
    }
    assert terms == pytest.approx(expected, abs=2e-4)
    total = near + hole + angle + side - struck + 20 * (place is HOLE) - 5 * (place is OUT)
    assert sum(terms.values()) == pytest.approx(total, abs=5e-4)


def test_nothing_pays_as_much_as_the_ball_in_the_hole_behind_which_the_club_stands() -> None:
    random = np.random.default_rng(0)
    best = sum(REWARD.terms((0.0, -0.75, 0.0), (0.0, -0.8), False, HOLE).values())
    for _ in range(500):
        club, ball = random.uniform(-1, 1, 3), random.uniform(-1, 1, 2)
        assert sum(REWARD.terms(club, ball, False, ON).values()) < best - 19.0


@pytest.mark.parametrize("club", [(0.0, 0.0), (math.nan, 0.0, 0.0)])
def test_a_pose_that_is_none_is_refused(club) -> None:
    with pytest.raises(ValueError, match=r"eq\. 8 of club"):
        REWARD.terms(club, (0.0, 0.0), False, ON)


def test_the_best_way_clears_the_water_from_everywhere_and_ends_in_the_hole() -> None:
    court, random = REWARD.court, np.random.default_rng(1)
    for _ in range(300):
        ball = tuple(random.uniform(court.inside.low, court.inside.high).tolist())
        if court.place(ball) is not ON:
            continue
        for _ in range(6):
            goal, angle = court.best_way(ball)
            if ball[1] - goal[1] > 0.0 and ball != goal:
                assert math.tan(angle) == pytest.approx((goal[0] - ball[0]) / (ball[1] - goal[1]))
            assert not court.water.crosses(ball, goal)
            if goal == court.hole:
                break
            ball = goal
        assert goal == court.hole


def test_a_rectangle_tells_inside_from_outside_and_what_crosses_it() -> None:
    box = Rectangle((0.0, 0.0), (2.0, 1.0))
    assert box.depth((1.0, 0.4)) == pytest.approx(0.4)
    assert box.depth((5.0, 5.0)) == pytest.approx(-5.0)
    assert box.crosses((-1.0, 0.5), (3.0, 0.5)) and not box.crosses((-1.0, 0.5), (-0.5, 0.5))
    assert not box.crosses((-1.0, 1.5), (3.0, 1.5)) and not box.crosses((0.0, -1.0), (0.0, 2.0))
