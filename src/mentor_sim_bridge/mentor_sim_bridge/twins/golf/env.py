"""`mentor/tabletop_golf-v0`: the golf cell in process."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from mentor_common.tasks.golf_court import BallPlace
from mentor_common.tasks.task import Task
from mentor_sim_bridge.twins.disturbed_env import DisturbedEnv
from mentor_sim_bridge.twins.golf.config import GolfConfig, load_golf_config
from mentor_sim_bridge.twins.golf.disturbances import NEAR, PUSH, Disturbance
from mentor_sim_bridge.twins.golf.expert import GolfExpert
from mentor_sim_bridge.twins.golf.simulator import GolfSimulator


class GolfEnv(DisturbedEnv[Disturbance, GolfSimulator]):
    """Follow the ball and strike it past the water into the hole.

    Observation: (18, 84, 84) uint8; cameras wrist and side, each at start, midpoint and end of the
    last motion. Action: (4,) dx, dy, dr and strike in [-1, 1]. Reward: eq. 8. Truncated after
    `max_steps`, some steps after the ball has left the court, or by a fault.

    Args: see DisturbedEnv; with states="sensors" the reward comes from both court cameras.
    """

    task_name = "tabletop_golf"
    undisturbed = Disturbance.NONE

    def make_simulator(self, config: GolfConfig | Path | None, task: Task) -> GolfSimulator:
        """Return the twin."""
        return GolfSimulator(load_golf_config(config), task)

    def make_expert(self) -> GolfExpert:
        """Return the scripted expert of one episode."""
        return GolfExpert(self.arm, self.simulator, self.task)

    def before_step(self) -> None:
        """Trigger, once, the disturbance that happens within an episode (see Disturbance)."""
        simulator, arm = self.simulator, self.arm
        ball, club = simulator.ball, simulator.club()
        apart = math.dist((club.x, club.y), (ball.x, ball.y))
        lies = ball.place is BallPlace.ON_COURT and ball.speed == 0.0
        if not self.to_come.within_episode or not lies or apart > NEAR:
            return
        # Away from the ball, which is not to be touched, and to the side that has more room.
        back = PUSH if club.y > ball.y else -PUSH
        aside = -PUSH if arm.position[0] > 0.0 else PUSH
        for push in ([0.0, back, 0.0], [aside, 0.0, 0.0]):
            if not simulator.fault:
                arm.move(arm.position + np.array(push), arm.period)
        self.has_happened()
