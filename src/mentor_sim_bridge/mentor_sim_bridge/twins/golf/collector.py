"""The collector below the court: a light sensor sees the ball that fell, a motor lifts it again."""

from __future__ import annotations

import math

import numpy as np

from mentor_common.tasks.golf_court import BallPlace
from mentor_sim_bridge.twins.devices import BALL_LOST, SENSOR_STUCK
from mentor_sim_bridge.twins.golf.ball import Ball
from mentor_sim_bridge.twins.golf.config import CollectorConfig


class Collector:
    """Takes the ball that has left the court and brings it back when its motor runs.

    Args:
        config: its times and speeds.
        random: source of the draws.
        broken: one of twins.devices.FAULTS, for rehearsal; empty: nothing.
    """

    def __init__(
        self, config: CollectorConfig, random: np.random.Generator, broken: str = ""
    ) -> None:
        self.config, self._random = config, random
        self.motor = False
        """Whether the motor is switched on."""
        self.broken = broken
        self._since = self._lifting = 0.0
        self._way = 0.0

    @property
    def sees_ball(self) -> bool:
        """Whether the light sensor sees a ball."""
        if self.broken == SENSOR_STUCK:
            return True
        return self._arrived and self.broken != BALL_LOST

    @property
    def _arrived(self) -> bool:
        return self._way > 0.0 and self._since >= self._way

    def advance(self, seconds: float, ball: Ball) -> None:
        """Let time pass."""
        if ball.place is BallPlace.ON_COURT:
            self._since = self._way = self._lifting = 0.0
            return
        self._since += seconds
        if ball.place is not BallPlace.COLLECTED:
            if self._since >= self.config.dwell:
                ball.place = BallPlace.COLLECTED
                self._since, self._way = 0.0, float(self._random.uniform(*self.config.way))
            return
        runs = self.motor and self._arrived and not self.broken
        self._lifting = self._lifting + seconds if runs else 0.0
        if self._lifting >= self.config.spin_up:
            self.throw(ball)

    def throw(self, ball: Ball) -> None:
        """Have the ball come back onto the court at a random speed."""
        config = self.config
        turn = float(self._random.uniform(-config.turn, config.turn))
        low, high = config.speed
        # Even in its square, so that no distance is likelier than another.
        speed = math.sqrt(self._random.uniform(low**2, high**2))
        angle = math.atan2(config.heading[1], config.heading[0]) + turn
        ball.lay(*config.outlet)
        ball.roll(speed * math.cos(angle), speed * math.sin(angle))
        self._since = self._way = self._lifting = 0.0
