"""`mentor/cable_routing-v0`: the cell in process, with the true states' reward."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mentor_common.arm.arm import MotionOutcome
from mentor_common.tasks.cable_routing import Slot1, cable_reward_of
from mentor_common.tasks.reward_model import EpisodeInfo, StepReward
from mentor_common.tasks.task import Task
from mentor_sim_bridge.twins.cable.config import CableConfig, load_cable_config
from mentor_sim_bridge.twins.cable.disturbances import PUSH, Disturbance
from mentor_sim_bridge.twins.cable.expert import CableExpert
from mentor_sim_bridge.twins.cable.simulator import CableSimulator
from mentor_sim_bridge.twins.cable.slot_states import cable_in_slot
from mentor_sim_bridge.twins.disturbed_env import DisturbedEnv


class CableRoutingEnv(DisturbedEnv[Disturbance, CableSimulator]):
    """Fill slot 1, then slot 2, with a cable whose end the gripper holds.

    Observation: (27, 84, 84) uint8; cameras side, slot_1, slot_2, each at start, midpoint and end
    of the last motion. Action: (2,) dx, dz in [-1, 1]; a fifth of it is added to the pose. Reward:
    eq. 7 with the true states. Never terminates; truncated after `max_steps`, or by a fault with
    `info["valid"]` False.

    Args: see DisturbedEnv.

    Raises:
        ValueError: an argument is unknown, or states="sensors".
    """

    task_name = "cable_routing"
    undisturbed = Disturbance.NONE

    def make_simulator(self, config: CableConfig | Path | None, task: Task) -> CableSimulator:
        """Return the twin."""
        return CableSimulator(load_cable_config(config), task)

    def make_expert(self) -> CableExpert:
        """Return the scripted expert of one episode."""
        return CableExpert(self.arm, self.simulator)

    def load_reward(self) -> None:
        """Read eq. 7 for the true states.

        Raises:
            ValueError: the reward is to come from the sensors, which another environment has.
        """
        if self._states != "ground_truth":
            raise ValueError(
                f"states is {self._states!r}, must be 'ground_truth'; the reward of classified "
                "states is that of mentor/cable_routing_classified-v0"
            )
        self._reward = cable_reward_of(self.task)

    def begin_reward(self, episode: EpisodeInfo) -> None:
        """Begin an episode of disturbances and of the expert: eq. 7 remembers nothing."""
        self._filled = 0
        self._expert = self.make_expert()

    def before_step(self) -> None:
        """What happens within an episode happens once (see Disturbance)."""
        simulator, arm = self.simulator, self.arm
        if not self.to_come.within_episode:
            return
        self._filled = self._filled + 1 if simulator.slot_states()[0] is Slot1.INSIDE else 0
        if self._filled < self.to_come.filled_steps:
            return
        if self.to_come is Disturbance.CABLE_PULLED_OUT:
            simulator.pull_cable_out(simulator.scene.slot_1)
        else:
            side = 1.0 if arm.position[0] < 0.0 else -1.0
            arm.move(arm.position + np.array([side * PUSH, PUSH]), arm.period)
        self.has_happened()

    def true_values(self) -> dict[str, Any]:
        """What slot classifiers are to see: states, and the cable's profile along each slot."""
        slot_1, slot_2 = self.simulator.slot_states()
        points, scene = self.simulator.cable_points(), self.simulator.scene
        return {
            "slot_1": int(slot_1),
            "slot_2": int(slot_2),
            "slot_1_profile": np.array(cable_in_slot(points, scene.slot_1)),
            "slot_2_profile": np.array(cable_in_slot(points, scene.slot_2)),
        }

    def reward_of(
        self, outcome: MotionOutcome | None, action: np.ndarray | None
    ) -> tuple[StepReward, bool]:
        """Return eq. 7 of the true states, and whether both slots are filled (see TwinEnv)."""
        states = self.simulator.slot_states()
        terms, success = self._reward.terms(*states), self._reward.is_success(*states)
        return StepReward(sum(terms.values()), terms, success=success), success
