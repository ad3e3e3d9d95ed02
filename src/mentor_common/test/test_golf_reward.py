"""Eq. 8 against values worked by hand, and the angle at which the ball is best struck."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from mentor_common.tasks.golf_court import BallPlace, Rectangle
from mentor_common.tasks.tabletop_golf import golf_reward_of
from mentor_common.tasks.task import load_task
from mentor_common.tasks.yaml_fields import TaskError

FILE = Path(__file__).parents[3] / "launch" / "tasks" / "tabletop_golf.yaml"
TASK = load_task(FILE)
REWARD = golf_reward_of(TASK)
ON, HOLE, WATER, OUT = (BallPlace(value) for value in range(4))

# Places are normalised by the court, x by 0.19 m about 0.49, y by 0.45 m; the club's pose comes
# normalised by the workspace, x by 0.13 m about 0.50, y by 0.40 m. C8 = 4, C9 = 8, C10 = 2,
# C11 = 10, C6 = 20, C7 = 5. In each line: club, ball in metres, strike, place; then club to ball,
# ball to hole, angle and wrong side, worked by hand. X is the line of the hole, x = 0.54 m.
X = 4.0 / 13.0
BY_HAND = [
    ((X, 0.325, 0.0), (0.54, -0.14), False, ON, 5.6, 12.8, 4.0, 0.0),
    ((X, 0.325, 0.0), (0.54, -0.14), True, ON, 5.6, 12.8, 4.0, 0.0),
    ((X, 0.325, 0.5), (0.54, -0.14), False, ON, 5.6, 12.8, 3.0, 0.0),
    ((X, 0.325, -1.0), (0.54, -0.14), False, ON, 5.6, 12.8, 2.0, 0.0),
    # 0.3 and 0.4, then 0.6 and 0.8 of the court away.
    ((-1.7 / 13.0, 0.1, 0.0), (0.54, -0.14), False, ON, 6.0, 12.8, 4.0, 0.0),
    ((-7.4 / 13.0, 0.55, 0.25), (0.54, -0.14), True, ON, 4.0, 12.8, 3.5, 0.0),
    # The club beside the ball, 0.05 behind it, and far on its wrong side.
    ((X, -0.35, 0.0), (0.54, -0.14), False, ON, 8.0, 12.8, 4.0, -0.5),
    ((X, -0.29375, 0.0), (0.54, -0.14), False, ON, 7.8, 12.8, 4.0, 0.0),
    ((X, -1.025, 0.0), (0.54, -0.14), False, ON, 5.6, 12.8, 4.0, -6.5),
    ((1.0, -1.0, -1.0), (0.32, -0.14), False, ON, 1.0766, 6.1997, 0.0, -6.2778),
    # Beyond the hole the best angle is out of the feasible range, and counts as its end.
    ((X, -0.55, 1.0), (0.54, -0.40), False, ON, 6.4, 14.5778, 4.0, 0.0),
    # Close to the water: 90 degrees would be best, 45 are feasible.
    ((0.0, 0.825, -1.0), (0.50, 0.15), False, ON, 6.4, 7.4764, 4.0, 0.0),
    # From the middle of the start past the water's corner: atan(0.07635 / 0.12865), over pi / 4.
    ((0.0, 0.95, -0.681953), (0.50, 0.29), False, ON, 7.2, 5.0256, 4.0, 0.0),
    ((0.0, 0.95, 0.0), (0.50, 0.29), False, ON, 7.2, 5.0256, 2.6361, 0.0),
    # From either end of it: atan(0.04635 / 0.14865) and atan(0.10635 / 0.10865).
    ((-3.0 / 13.0, 1.0, -0.38484), (0.47, 0.31), False, ON, 7.2, 4.4187, 4.0, 0.0),
    ((3.0 / 13.0, 0.9, -0.98638), (0.53, 0.27), True, ON, 7.2, 5.5027, 4.0, 0.0),
    # Past the water the hole is free: atan(0.16 / 0.27).
    ((-12.0 / 13.0, 0.1, 0.681126), (0.38, -0.05), False, ON, 7.2, 7.7281, 4.0, 0.0),
    # Both indicators, with and without a strike.
    ((X, 0.325, 0.0), (0.54, -0.32), False, HOLE, 4.0, 16.0, 4.0, 0.0),
    ((X, 0.325, 0.0), (0.55, -0.31), True, HOLE, 4.0, 16.0, 4.0, 0.0),
    ((X, 0.325, 0.0), (0.54, -0.23), False, OUT, 4.8, 14.4, 4.0, 0.0),
    ((X, 0.325, 0.0), (0.54, -0.23), True, OUT, 4.8, 14.4, 4.0, 0.0),
    ((2.0 / 13.0, 0.925, -1.0), (0.52, 0.10), False, WATER, 5.6, 8.4860, 4.0, 0.0),
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
    best = sum(REWARD.terms((X, -0.74, 0.0), (0.54, -0.32), False, HOLE).values())
    for _ in range(500):
        club = random.uniform(-1, 1, 3)
        ball = random.uniform(REWARD.court.inside.low, REWARD.court.inside.high)
        assert sum(REWARD.terms(club, ball, False, ON).values()) < best - 19.0


@pytest.mark.parametrize("club", [(0.0, 0.0), (math.nan, 0.0, 0.0)])
def test_a_pose_that_is_none_is_refused(club) -> None:
    with pytest.raises(ValueError, match=r"eq\. 8 of club"):
        REWARD.terms(club, (0.5, 0.0), False, ON)


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


COURT = r".*\{'x': \[0\.3, 0\.68\], 'y': \[-0\.45, 0\.45\]\}"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("y: [0.05, 0.13]}", "y: [0.1, 0.1]}", r"'reward\.water\.y': value \[0\.1, 0\.1\]"),
        ("court: {x: [0.30, 0.68]", "court: {x: [0.3, 0.3]", r"'reward\.court\.x': value"),
        (
            "water: {x: [0.455, 0.66]", "water: {x: [0.455, 0.9]",
            r"'reward\.water': value \{'x': \[0\.455, 0\.9\], 'y': \[0\.05, 0\.13\]\}"
            r".*inside the court, " + COURT,
        ),
        (
            "hole: {x: 0.54, y: -0.32", "hole: {x: 0.32, y: -0.32",
            r"'reward\.hole': value \{'x': 0\.32, 'y': -0\.32, 'radius': 0\.054\}.*" + COURT,
        ),
        (
            "y: [0.05, 0.13]", "y: [-0.3, 0.13]",
            r"'reward\.water': value .*clear of the hole of radius 0\.054 at \[0\.54, -0\.32\]",
        ),
        (
            "  - {name: strike, kind: strike}\n", "",
            r"'action': dimensions \['dx', 'dy', 'dr'\] .*allowed: one dimension of kind strike",
        ),
    ],
)  # fmt: skip
def test_a_court_or_an_action_that_is_none_is_refused_by_its_key(tmp_path, old, new, said) -> None:
    text = FILE.read_text()
    assert old in text
    file = tmp_path / "tabletop_golf.yaml"
    file.write_text(text.replace(old, new))
    with pytest.raises(TaskError, match=said):
        golf_reward_of(load_task(file))
