"""`mentor/tabletop_golf-v0`: the golf cell in process."""

from __future__ import annotations

import numpy as np

from mentor_common.tasks.reward_model import States
from mentor_common.tasks.task import find_task
from mentor_sim_bridge.twins.golf.config import GolfConfig
from mentor_sim_bridge.twins.golf.expert import GolfExpert
from mentor_sim_bridge.twins.golf.simulator import GolfSimulator
from mentor_sim_bridge.twins.twin_env import TwinEnv


class GolfEnv(TwinEnv):
    """Follow the ball and strike it past the water into the hole.

    Observation: (18, 84, 84) uint8; cameras wrist and side, each at begin, midpoint and end of the
    last motion. Action: (4,) dx, dy, dr and strike in [-1, 1]. Reward: eq. 8. Truncated after
    `max_steps`, some steps after the ball has left the court, or by a fault.

    Args:
        config: of the twin; default is its YAML.
        max_steps: of an episode; default is the task's.
        images: "all", "first" or "blank" (see TwinEnv).
        task: tabletop_golf, or the path of a task file.
        render_mode: "rgb_array" lets `render` return the side camera's image.
        states: what the reward is computed from: "ground_truth", or "sensors": both court cameras.
    """

    def __init__(
        self,
        config: GolfConfig | None = None,
        max_steps: int | None = None,
        images: str = "all",
        task: str = "tabletop_golf",
        render_mode: str | None = None,
        states: States = "ground_truth",
    ) -> None:
        cell = find_task(task)
        self.simulator = GolfSimulator(config, cell)
        super().__init__(cell, self.simulator, max_steps, images, render_mode, states)
        self._expert = GolfExpert(self.arm, self.simulator, cell)

    def expert_action(self) -> np.ndarray:
        """Return what the scripted expert, who sees the true state, does now: (4,) float32."""
        return self._expert.act()
