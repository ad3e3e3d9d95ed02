"""A scripted expert that sees the true state: the measure of whether the task can be solved."""

from __future__ import annotations

import numpy as np

from mentor_common.arm.arm import Arm
from mentor_common.tasks.cable_routing import Slot1
from mentor_sim_bridge.twins.cable.simulator import CableSimulator

DIVISOR = 5.0
"""Of both action dimensions (App. C.2)."""
HIGH = 0.95
OVER_SLOT_1 = 0.6
PRESS = -0.85
CROSS = -0.2
OVER_SLOT_2 = -0.48
DOWN = -1.0


class CableExpert:
    """Lifts, goes over slot 1, lowers, lifts a little, crosses to slot 2, lowers, holds."""

    def __init__(self, arm: Arm, simulator: CableSimulator) -> None:
        self._arm, self._simulator = arm, simulator
        self.reset()

    def reset(self) -> None:
        """Begins a new episode."""
        self._pressed = self._crossed = self._lifted = False

    def act(self) -> np.ndarray:
        """The next action, (2,) float32."""
        x, z = map(float, self._arm.target)
        if not self._pressed:
            if not self._lifted and x < OVER_SLOT_1 - 0.01:
                goal = (x if z < HIGH - 0.3 else OVER_SLOT_1, HIGH)
            else:
                self._lifted = True
                goal = (OVER_SLOT_1, PRESS)
                inside = self._simulator.slot_states()[0] is Slot1.INSIDE
                self._pressed = bool(inside and z <= PRESS + 0.01)
        if self._pressed:
            if not self._crossed:
                goal = (x if z < CROSS - 0.3 else OVER_SLOT_2, CROSS)
                self._crossed = bool(x <= OVER_SLOT_2 + 0.01)
            if self._crossed:
                goal = (OVER_SLOT_2, DOWN)
        move = (np.array(goal) - self._arm.target) * DIVISOR
        return np.clip(move, -1.0, 1.0).astype(np.float32)
