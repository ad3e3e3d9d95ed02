"""The golf cell: solvable, not trivial, repeatable; the straight strike ends in the water."""

from __future__ import annotations

import math

import gymnasium
import numpy as np
import pytest

from mentor_common.arm.stroke import BACK, THROUGH, Stroke
from mentor_common.env.registration import register_environments
from mentor_common.tasks.golf_court import BallPlace
from mentor_sim_bridge.twins.golf.env import GolfEnv
from mentor_sim_bridge.twins.golf.expert import straight_strike

LONG = pytest.mark.soak


@pytest.fixture(scope="module")
def env():
    made = GolfEnv(images="blank")  # what the ball does needs no images
    yield made
    made.close()


def play(env, seed: int, policy) -> dict:
    """Play an episode; return its last info."""
    env.reset(seed=seed)
    over = False
    while not over:
        *_, over, info = env.step(policy(env))
        assert info["valid"], info["reason"]
    return info


def expert(env) -> np.ndarray:
    return env.expert_action()


@pytest.mark.parametrize("count", [1, pytest.param(100, marks=LONG)])
def test_an_expert_that_sees_the_ground_truth_succeeds(env, count):
    assert sum(play(env, 5000 + seed, expert)["success"] for seed in range(count)) >= 0.9 * count


@pytest.mark.parametrize("count", [1, pytest.param(200, marks=LONG)])
def test_random_actions_do_not_succeed(env, count):
    random = np.random.default_rng(0)
    wins = sum(
        play(env, seed, lambda env: random.uniform(-1.0, 1.0, 4))["success"]
        for seed in range(count)
    )
    assert wins < max(1.0, 0.02 * count)


@pytest.mark.parametrize("count", [1, pytest.param(100, marks=LONG)])
def test_the_straight_strike_at_the_hole_ends_in_the_water(env, count):
    for seed in range(count):
        last = play(env, seed, lambda env: straight_strike(env.arm, env.simulator, env.task))
        assert last["ball_place"] == BallPlace.IN_WATER


@pytest.mark.parametrize("count", [2, pytest.param(40, marks=LONG)])
def test_full_strikes_along_the_edge_at_the_base_never_end_in_a_fault(env, count):
    """There the arm is folded most, and a full strike is behind its command for longest."""
    random = np.random.default_rng(0)
    for seed in range(count):
        env.reset(seed=seed)
        env.simulator.ball.lay(0.62, -0.42)  # out of the way
        turn, over, steps = random.choice([-1.0, 1.0]), False, 0
        while not over:
            along = -1.0 if steps < 28 else 1.0
            turned = turn if steps % 15 < 10 else -turn
            *_, over, info = env.step(np.array([-1.0, along, turned, 1.0]))
            assert info["valid"], info["reason"]
            steps += 1
        assert steps == env.max_steps


def test_from_every_start_the_straight_line_to_the_hole_crosses_the_water(env):
    scene, court = env.simulator.config.scene_randomization, env.simulator.court
    for x in scene.start_x:
        for y in scene.start_y:
            assert court.water.crosses((x, y), court.hole)
    for seed in range(5):
        env.reset(seed=seed)
        ball = env.simulator.ball
        assert scene.start_x[0] <= ball.x <= scene.start_x[1] and ball.speed == 0.0
        assert scene.start_y[0] <= ball.y <= scene.start_y[1]


@pytest.mark.parametrize("strike", [0.3, 0.6, 1.0])
def test_the_club_swings_with_a_speed_in_proportion_to_the_action(env, strike):
    """Measured on the arm, whose controller and mass bound it."""
    env.reset(seed=0)
    env.simulator.ball.lay(0.35, -0.4)  # out of the way
    fastest, at = 0.0, 0.0

    def watch() -> None:
        nonlocal fastest, at
        club = env.simulator.club()
        if -club.vy > fastest:
            fastest, at = -club.vy, club.y

    env.arm.move([0.0, 0.8, 0.0], 1.0)
    env.watch = watch
    env.step(np.array([0.0, 0.0, 0.0, strike]))
    env.watch = None
    assert fastest == pytest.approx(strike * env.task.arm.limits.speed, rel=0.2)
    assert at == pytest.approx(0.8 * 0.4, abs=0.03)


def test_a_stroke_is_weaker_where_the_box_leaves_no_room_as_on_a_real_arm(env):
    fastest = []
    for x in (0.0, 1.0):
        env.reset(seed=0)
        speeds = []

        def watch(speeds: list[float] = speeds) -> None:
            club = env.simulator.club()
            speeds.append(float(np.hypot(club.vx, club.vy)))

        env.arm.window_offset = np.zeros(3)
        env.arm.move([x, 0.0, 1.0], 1.0)
        env.watch = watch
        env.step(np.array([0.0, 0.0, 0.0, 1.0]))
        env.watch = None
        fastest.append(max(speeds))
    middle, edge = fastest
    assert 0.1 < edge < 0.85 * middle


def test_a_stroke_goes_back_then_through_the_target_and_ends_there():
    first, last = np.array([0.4, 0.2, 0.1, 0.0]), np.array([0.4, 0.1, 0.1, 0.0])
    stroke = Stroke(first, last, 1.0, speed=0.5)
    assert np.array_equal(stroke.at(0.0), first) and np.allclose(stroke.at(1.0), last)
    assert stroke.at(BACK)[1] == pytest.approx(0.1 + stroke.reach)
    assert stroke.at(THROUGH)[1] == pytest.approx(0.1 - stroke.reach)
    middle = (BACK + THROUGH) / 2
    speed = (stroke.at(middle - 1e-4)[1] - stroke.at(middle + 1e-4)[1]) / 2e-4
    assert speed == pytest.approx(0.5, rel=1e-3)


def test_the_ball_rolls_on_while_the_arm_moves(env):
    env.reset(seed=0)
    ball = env.simulator.ball
    ball.lay(0.35, 0.3)
    ball.roll(0.0, -0.4)
    env.step(np.array([1.0, 0.0, 0.0, -1.0]))
    gone = 0.3 - ball.y
    assert gone == pytest.approx(0.4**2 / (2 * ball.deceleration), rel=0.1)


def test_a_fault_ends_the_episode_as_not_valid_and_unknown_options_are_named(env):
    env.reset(seed=0)
    env.simulator.fail_soon()
    *_, terminated, truncated, info = env.step(np.zeros(4))
    assert (terminated, truncated, info["valid"]) == (False, True, False)
    env.reset(seed=0)
    assert env.step(np.zeros(4))[4]["valid"]
    with pytest.raises(ValueError, match="unseen_visuals"):
        env.reset(options={"disturbance": "earthquake"})


@pytest.mark.parametrize("push", [1, 2])
def test_a_fault_of_a_push_before_the_step_ends_the_episode_as_not_valid(env, monkeypatch, push):
    env.reset(seed=0, options={"disturbance": "arm_pushed"})
    club = env.simulator.club()
    env.simulator.ball.lay(club.x, club.y - 0.06)
    moves, move = [], env.arm.move

    def noticing(*arguments):
        moves.append(arguments)
        if len(moves) == push:
            env.simulator.fail_soon()
        return move(*arguments)

    monkeypatch.setattr(env.arm, "move", noticing)
    observation, reward, terminated, truncated, info = env.step(np.zeros(4))
    assert len(moves) == push, "an arm in a fault is not pushed on"
    assert (reward, terminated, truncated, info["valid"]) == (0.0, False, True, False)
    assert "for rehearsal" in info["reason"] and observation.shape == (18, 84, 84)
    env.reset(seed=0)
    assert env.step(np.zeros(4))[4]["valid"]


def test_visuals_that_training_never_sees_are_apart(env):
    config = env.simulator.config.visual_randomization
    low, high = config.light_diffuse
    border = low + 2 / 3 * (high - low)
    for disturbance, unseen in (("none", False), ("unseen_visuals", True)):
        for seed in range(10):
            env.reset(seed=seed, options={"disturbance": disturbance})
            light = env.simulator.model.light_diffuse[0, 0]
            assert (light >= border) if unseen else (light <= border)


def test_gymnasium_makes_it_by_its_id_with_the_promised_spaces():
    register_environments()
    env = gymnasium.make("mentor/tabletop_golf-v0")
    observation, info = env.reset(seed=0)
    assert env.observation_space.shape == observation.shape == (18, 84, 84)
    assert env.action_space.shape == (4,) and info["success"] is False
    assert env.unwrapped.frame_layout.cameras == ("wrist", "side")
    env.close()


def test_the_club_is_drawn_where_the_ball_meets_it(env):
    env.reset(seed=1)
    env.step(np.array([0.5, -0.5, 1.0, -1.0]))
    club, head = env.simulator.club(), env.simulator.data.geom("club_head")
    assert np.allclose(head.xpos[:2], [club.x, club.y], atol=2e-3)
    across, along = head.xmat.reshape(3, 3)[:2, 0], head.xmat.reshape(3, 3)[:2, 1]
    assert np.allclose(across, [math.cos(club.angle), math.sin(club.angle)], atol=1e-2)
    assert np.allclose(along, [math.sin(club.angle), -math.cos(club.angle)], atol=1e-2)


def test_the_arm_is_pushed_off_once_at_the_ball_and_the_expert_recovers():
    env = GolfEnv(images="blank", disturbance="arm_pushed")
    pushes = 0

    def noticing(env) -> np.ndarray:
        nonlocal pushes
        time = env.simulator.time
        ball = env.simulator.ball.x, env.simulator.ball.y
        env.before_step()  # step() calls it again: what is done happens once
        pushed = env.simulator.time > time
        assert not pushed or ball == (env.simulator.ball.x, env.simulator.ball.y)
        pushes += pushed
        return expert(env)

    for seed in (5000, 5001):
        assert play(env, seed, noticing)["success"]
        assert pushes == 1, "once an episode"
        pushes = 0
    env.reset(seed=5000, options={"disturbance": "none"})
    assert env.episode_options(None, None, {})["disturbance"] == "arm_pushed"
    with pytest.raises(ValueError, match="arm_pushed"):
        GolfEnv(disturbance="earthquake")
    env.close()
