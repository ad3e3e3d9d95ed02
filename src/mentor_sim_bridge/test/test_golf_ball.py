"""The ball's motion against published numbers (sources: golf/ball.py) and against energy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mentor_common.tasks.golf_court import BallPlace
from mentor_common.tasks.tabletop_golf import golf_reward_of
from mentor_common.tasks.task import find_task
from mentor_sim_bridge.twins.golf.ball import Ball, stimp_deceleration
from mentor_sim_bridge.twins.golf.config import load_golf_config
from mentor_sim_bridge.twins.golf.contact import Club, gets_over
from mentor_sim_bridge.twins.golf.ground import Ground, draw_ground

COURT = golf_reward_of(find_task("tabletop_golf")).court
CONFIG = load_golf_config()
STEP = 0.005
LANE = 0.35
"""x of a lane beside water and hole, metres."""


def a_ball(x: float, y: float, stimp: float = 10.0, ground: Ground | None = None) -> Ball:
    ball = Ball(COURT, CONFIG.ball, ground or Ground(), stimp_deceleration(stimp))
    ball.lay(x, y)
    return ball


def let_roll(ball: Ball, seconds: float = 10.0) -> None:
    for _ in range(round(seconds / STEP)):
        ball.advance(STEP)
        if ball.speed == 0.0 and ball.place is BallPlace.ON_COURT:
            return


def struck(speed: float) -> float:
    """The speed of a ball at rest after the club met it."""
    ball, radius = a_ball(LANE, 0.0), COURT.ball_radius
    club = Club(LANE, radius + 0.0079, 0.0, 0.0, -speed, 0.0, 0.008, CONFIG.club.half_width)
    ball.advance(1e-5, club)
    return ball.speed


@pytest.mark.parametrize("stimp", [4.5, 7.0, 10.0, 14.0])
def test_from_a_stimpmeter_the_ball_rolls_as_far_as_the_green_is_called(stimp):
    ball = a_ball(LANE, 0.4, stimp)
    ball.roll(0.0, -1.83 / 4)  # a quarter of the speed: a sixteenth of the way
    let_roll(ball)
    assert 16 * (0.4 - ball.y) / 0.3048 == pytest.approx(stimp, rel=0.002)


@pytest.mark.parametrize("speed", [0.3, 1.0])
def test_a_struck_ball_slides_and_then_rolls_at_five_sevenths_of_its_speed(speed):
    ball = a_ball(LANE, 0.4)
    ball.vy = -speed
    while abs(ball.vy + COURT.ball_radius * ball.spin_x) > 1e-9:
        ball.advance(0.0005)
    slid = 12 / 49 * speed**2 / (CONFIG.ball.sliding_friction * 9.81)
    assert -ball.vy == pytest.approx(5 / 7 * speed, rel=0.01)
    assert 0.4 - ball.y == pytest.approx(slid, rel=0.05, abs=0.001)


@pytest.mark.parametrize("speed", [0.1, 0.4, 0.7])
def test_the_ball_leaves_the_club_at_1_6_to_1_9_times_its_speed(speed):
    assert 1.6 < struck(speed) / speed < 1.9  # published ratios of putters


def test_a_sphere_bounces_off_a_cushion_as_measured_ones_do():
    """Sliding squarely: the restitution. At an angle: friction makes side spin, and no more."""
    config = CONFIG.ball
    ball = a_ball(COURT.inside.low[0] + COURT.ball_radius + 1e-4, 0.0)
    ball.vx = -0.4
    ball.advance(1e-3)
    assert ball.vx == pytest.approx(config.border_restitution * 0.4, rel=0.02)
    ball = a_ball(COURT.inside.low[0] + COURT.ball_radius + 1e-4, 0.0)
    ball.vx = ball.vy = -0.4
    ball.advance(1e-3)
    tangential = config.border_friction * (1 + config.border_restitution) * 0.4
    assert ball.vy == pytest.approx(-0.4 + tangential, abs=0.01)
    assert ball.spin_z * COURT.ball_radius == pytest.approx(-2.5 * tangential, abs=0.01)


def test_a_ball_gets_over_a_low_step_from_the_speed_on_that_mechanics_gives():
    radius, height = COURT.ball_radius, CONFIG.ball.border_height
    least = radius * math.sqrt(2.8 * 9.81 * height) / (1.4 * radius - height)
    for speed, over in ((0.99 * least, False), (1.01 * least, True)):
        assert gets_over(speed, speed / radius, radius, height) is over
        ball = a_ball(LANE, COURT.inside.low[1] + radius + 0.001)
        ball.roll(0.0, -speed)
        ball.advance(STEP)
        assert (ball.place is BallPlace.OUT) is over


def test_the_hole_catches_a_ball_that_falls_by_its_radius_before_the_far_rim():
    """Holmes: up to (2 r - R) sqrt(g / 2 R), through the middle."""
    radius, hole = COURT.ball_radius, COURT.hole_radius
    fastest = (2 * hole - radius) * math.sqrt(9.81 / (2 * radius))
    caught = []
    for speed in (0.1, 0.3, 0.6, 0.95 * fastest, 1.4 * fastest):
        ball = a_ball(COURT.hole[0], COURT.hole[1] + hole + 0.01, 14.0)
        ball.roll(0.0, -speed)
        for _ in range(60):
            ball.advance(STEP)
        caught.append(ball.place is BallPlace.IN_HOLE)
    assert caught == [True, True, True, True, False]


def test_a_ball_that_the_hole_catches_lies_within_its_rim_at_once():
    """Through the middle, and so near the side that the far rim stops it."""
    caught = 0
    for aside in (0.0, 0.048, -0.048, 0.052):
        for speed in np.linspace(0.2, 1.9, 120):
            ball = a_ball(COURT.hole[0] + aside, COURT.hole[1] + COURT.hole_radius + 0.01, 14.0)
            ball.roll(0.0, -speed)
            for _ in range(30):
                ball.advance(STEP)
                if ball.place is BallPlace.IN_HOLE:
                    caught += 1
                    assert COURT.place((ball.x, ball.y)) is BallPlace.IN_HOLE, (aside, speed)
    assert caught > 1000


def test_energy_never_grows_but_by_the_club_and_the_ball_leaves_in_the_named_ways_only():
    random = np.random.default_rng(0)
    left = set()
    for number in range(300):
        ball = a_ball(0.0, 0.0, random.uniform(8, 12), draw_ground(0.004, random))
        ball.lay(random.uniform(0.33, 0.65), random.uniform(0.1, 0.42))
        ball.vx, ball.vy = random.normal(size=2) * 0.8
        ball.spin_z = 20.0 * random.normal()
        energy, speed = ball.energy, ball.speed
        for _ in range(1500):
            ball.advance(STEP)
            if ball.place is BallPlace.ON_COURT:
                assert ball.energy <= energy + 1e-12  # J, of some 0.02
                energy = ball.energy
                assert COURT.inside.grown(1e-9 - COURT.ball_radius).contains((ball.x, ball.y))
                if ball.speed == 0.0:
                    break
            else:
                assert ball.speed <= speed  # hole, water and gutter are level at their bottom
            speed = ball.speed
        assert ball.speed < 1e-3, number
        if ball.place is not BallPlace.ON_COURT:
            assert COURT.place((ball.x, ball.y)) is ball.place
        left.add(ball.place)
    assert left == {BallPlace.ON_COURT, BallPlace.IN_HOLE, BallPlace.IN_WATER, BallPlace.OUT}


def test_a_wild_club_drives_the_ball_out_in_the_named_ways_only():
    random, head = np.random.default_rng(1), CONFIG.club
    for _ in range(60):
        ball = a_ball(random.uniform(0.35, 0.63), random.uniform(0.1, 0.4))
        place, angle = np.array([ball.x, ball.y + 0.05]), 0.0
        for _ in range(600):
            velocity = random.normal(size=2)
            turn = float(3.0 * random.normal())
            place, angle = np.clip(place + STEP * velocity, [0.33, -0.44], [0.65, 0.44]), (
                angle + STEP * turn
            )  # fmt: skip
            club = Club(*place, angle, *velocity, turn, head.half_thickness, head.half_width)
            ball.advance(STEP, club)
            at = (ball.x, ball.y)
            assert math.isfinite(ball.energy) and ball.speed < 10.0
            inside = COURT.inside.grown(1e-9 - COURT.ball_radius).contains(at)
            if ball.place is BallPlace.ON_COURT:
                assert inside
            elif not inside:
                assert ball.place is BallPlace.OUT


def test_uneven_felt_bends_the_way_but_a_ball_at_rest_stays():
    ground = draw_ground(0.004, np.random.default_rng(3))
    ball = a_ball(LANE, 0.3, 10.0, ground)
    ball.roll(0.0, -0.4)
    let_roll(ball)
    assert 1e-5 < abs(ball.x - LANE) < 0.03
    at = (ball.x, ball.y)
    let_roll(ball, 1.0)
    ball.advance(STEP)
    assert (ball.x, ball.y) == at
