"""Scripted policies that see the ground truth: an expert, and one that does not mind the water."""

from __future__ import annotations

import copy
import math

import numpy as np

from mentor_common.arm.arm import Arm
from mentor_common.tasks.golf_court import BallPlace, angle_towards
from mentor_common.tasks.task import Task
from mentor_sim_bridge.twins.golf.ball import Ball
from mentor_sim_bridge.twins.golf.contact import GRAVITY
from mentor_sim_bridge.twins.golf.simulator import GolfSimulator

GAP = 0.006
"""Metres between club and ball before a stroke."""
STAND_OFF = 0.045
"""The same while the club is not yet on the line of the stroke, across which it is wide."""
CLEAR = 0.025
"""Metres between club and ball on the way round it."""
ARRIVED, TURNED = 0.006, 0.03
"""Metres and radians off the place of a stroke that count as there."""
BESIDE, ASKEW = 0.015, 0.3
"""Metres and radians off the line of a stroke within which the club comes near the ball."""
ENTRY = 0.35
"""Speed (m/s) with which the ball is to reach the hole."""
BEYOND = 0.02
"""Metres by which a ball is to roll beyond the corner past which it is sent."""
HARD = 0.9
"""Strike of the policy that does not mind the water."""
TICK, LONGEST = 0.01, 5.0
"""Seconds of the steps in which the ball's way is foreseen, and at most."""


class GolfExpert:
    """Goes behind the place where the ball will lie, and strikes it along the best way.

    Args:
        arm: on whose target it acts.
        simulator: simulator whose ball it sees.
        task: task whose action it chooses.
    """

    def __init__(self, arm: Arm, simulator: GolfSimulator, task: Task) -> None:
        self._arm, self._simulator = arm, simulator
        self._divisors = np.array([d.divisor for d in task.deltas if d is not None])
        self._speed = task.arm.limits.speed

    def act(self) -> np.ndarray:
        """Return the next action, (4,) float32: dx, dy, dr, strike."""
        simulator, arm = self._simulator, self._arm
        ball = simulator.ball
        if ball.place is not BallPlace.ON_COURT:
            return np.zeros(4, np.float32)
        rest = resting_place(ball)
        goal, angle = simulator.court.best_way((rest.x, rest.y))
        behind = self._behind(rest, angle, GAP)
        here = arm.workspace.to_metric(arm.target)
        gap = GAP if self._is_lined_up(here, rest, angle) else STAND_OFF
        wanted = np.array([*self._behind(rest, angle, gap), angle])
        low, high = arm.workspace.to_metric(arm.window_offset + np.array([[-1.0], [1.0]]))
        if self._in_the_way(here, rest):
            wanted[:2] = self._round(here, rest, low[0], high[0])
        asked, wanted = wanted, np.clip(wanted, low, high)
        move = (arm.workspace.to_normalised(wanted) - arm.target) * self._divisors
        action = np.clip(move, -1.0, 1.0)
        after = arm.workspace.to_metric(arm.target + action / self._divisors)
        ready = math.dist(after[:2], behind) < ARRIVED and abs(after[2] - angle) < TURNED
        ready |= bool(np.abs(wanted - asked).max() > 1e-9 and self._reaches(after, rest))
        strike = -1.0
        if ready and ball.speed < 1e-3:
            strike = self._strength(rest, goal, float(after[2]))
        return np.array([*action, strike], np.float32)

    def _behind(self, ball: Ball, angle: float, gap: float) -> tuple[float, float]:
        """Return where the club's middle is when it stands behind the ball, metres."""
        off = gap + self._simulator.court.ball_radius + self._simulator.config.club.half_thickness
        return ball.x - off * math.sin(angle), ball.y + off * math.cos(angle)

    def _is_lined_up(self, club: np.ndarray, ball: Ball, angle: float) -> bool:
        """Return whether the club is on the line of a stroke and turned along it."""
        dx, dy = ball.x - club[0], ball.y - club[1]
        aside = dx * math.cos(angle) + dy * math.sin(angle)
        return abs(aside) < BESIDE and abs(club[2] - angle) < ASKEW

    def _in_the_way(self, club: np.ndarray, ball: Ball) -> bool:
        """Return whether the club is not yet on the ball's far side from the hole."""
        return bool(club[1] < ball.y + self._simulator.court.ball_radius)

    def _round(self, club: np.ndarray, ball: Ball, low: float, high: float) -> tuple[float, float]:
        """Return where the club goes next on its way round the ball: aside within [low, high], then
        back."""
        config, radius = self._simulator.config.club, self._simulator.court.ball_radius
        room = radius + config.half_width + CLEAR
        side = math.copysign(1.0, club[0] - ball.x)
        aside = float(np.clip(ball.x + side * room, low, high))
        if side * (aside - club[0]) > ARRIVED:
            return aside, float(club[1])
        return float(club[0]), ball.y + radius + config.half_width + CLEAR

    def _reaches(self, club: np.ndarray, ball: Ball) -> bool:
        """Return whether a stroke from here, at the window's end, still meets the ball."""
        angle = float(club[2])
        dx, dy = ball.x - club[0], ball.y - club[1]
        ahead = dx * math.sin(angle) - dy * math.cos(angle)
        aside = dx * math.cos(angle) + dy * math.sin(angle)
        config = self._simulator.config.club
        gap = ahead - config.half_thickness - self._simulator.court.ball_radius
        return abs(aside) < 0.7 * config.half_width and 0.0 < gap < 0.03

    def _strength(self, ball: Ball, goal: tuple[float, float], angle: float) -> float:
        """Return how hard to strike for the ball to get to its goal, 0 to 1."""
        court, config = self._simulator.court, self._simulator.config.ball
        to_hole = goal == court.hole
        way = math.dist((ball.x, ball.y), goal) + (0.0 if to_hole else BEYOND)
        entry = ENTRY if to_hole else 0.0
        friction, resistance = config.sliding_friction * GRAVITY, ball.deceleration
        # It slides, then rolls at 5/7 of its speed.
        left = way + entry**2 / (2.0 * resistance)
        launch = math.sqrt(left / (12.0 / (49.0 * friction) + 25.0 / (98.0 * resistance)))
        share = config.club_mass / (config.club_mass + config.mass)
        club = launch / ((1.0 + config.club_restitution) * share)
        return float(np.clip(club / self._speed, 0.02, 1.0))


def straight_strike(arm: Arm, simulator: GolfSimulator, task: Task) -> np.ndarray:
    """Return the next action of a policy that strikes a resting ball hard straight at the hole.

    Args:
        arm: arm on whose target it acts.
        simulator: simulator whose ball it sees.
        task: task whose action it chooses.

    Returns:
        (4,) float32: dx, dy, dr, strike.
    """
    ball, hole = simulator.ball, simulator.court.hole
    if ball.speed > 0.0 or ball.place is not BallPlace.ON_COURT:
        return np.array([0.0, 0.0, 0.0, -1.0], np.float32)
    angle = angle_towards((ball.x, ball.y), hole)
    off = GAP + simulator.court.ball_radius + simulator.config.club.half_thickness
    behind = [ball.x - off * math.sin(angle), ball.y + off * math.cos(angle), angle]
    divisors = [d.divisor for d in task.deltas if d is not None]
    move = (arm.workspace.to_normalised(behind) - arm.target) * divisors
    strike = HARD if np.abs(move).max() < 1.0 else -1.0
    return np.clip([*move, strike], -1.0, 1.0).astype(np.float32)


def resting_place(ball: Ball) -> Ball:
    """Return the ball as it will lie if nothing meets it."""
    future = copy.copy(ball)
    passed = 0.0
    while future.speed > 0.0 and future.place is BallPlace.ON_COURT and passed < LONGEST:
        future.advance(TICK)
        passed += TICK
    return future
