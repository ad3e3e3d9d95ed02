"""A scripted expert that sees the true state: the measure of whether the task can be solved."""

from __future__ import annotations

import numpy as np

from mentor_common.arm.arm import Arm
from mentor_common.tasks.cable_routing import Slot1
from mentor_sim_bridge.twins.cable.config import SlotConfig
from mentor_sim_bridge.twins.cable.sampled_scene import GRASP, SampledScene
from mentor_sim_bridge.twins.cable.simulator import CableSimulator
from mentor_sim_bridge.twins.cable.slot_states import cable_in_slot

DIVISOR = 5.0
"""Divisor of both action dimensions (App. C.2)."""
HIGH, CLEAR = 0.135, 0.110
"""Heights (m) at which the cable is carried, and from which on it may go aside."""
PRESS, CROSS, DOWN = 0.057, 0.075, 0.042
"""Heights (m) that fill slot 1, that keep it filled on the way to slot 2, and that fill slot 2."""
LEVER_1, LEVER_2, FINE = 2.0, 1.2, 0.003
"""Metres that the gripper goes for each metre the cable is off a slot's middle, beyond FINE."""
NEAR = 0.001
"""Metres from a goal that count as there."""


class CableExpert:
    """Lifts, goes over slot 1, lowers, lifts a little, crosses to slot 2, lowers, holds.

    On the way down it keeps the cable over the slot's middle, as it sees where the cable is. If
    slot 1 loses the cable, it begins anew.
    """

    def __init__(self, arm: Arm, simulator: CableSimulator) -> None:
        self._arm, self._simulator = arm, simulator
        self.reset()

    def reset(self) -> None:
        """Begin a new episode."""
        self._pressed = self._crossed = self._over = False

    def act(self) -> np.ndarray:
        """Return the next action, (2,) float32."""
        workspace, scene = self._arm.workspace, self._simulator.scene
        x, z = workspace.to_metric(self._arm.target)
        low, high = workspace.to_metric(self._arm.window_offset + np.array([[-1.0], [1.0]]))
        first = np.clip(over_slot_1(scene), low[0], high[0])
        second = np.clip(scene.behind_slot_2, low[0], high[0])
        inside = self._simulator.slot_states()[0] is Slot1.INSIDE
        if self._pressed and not inside:
            self.reset()
        if not self._pressed:
            clear = min(CLEAR, high[1] - NEAR)
            if z < clear and self._beside(scene.slot_1):
                self._over, goal = False, (x, HIGH)
            elif not self._over and abs(x - first) > NEAR:
                goal = (x if z < clear else first, HIGH)
            else:
                self._over = True
                goal = (x - LEVER_1 * self._aside(scene.slot_1), PRESS)
                self._pressed = bool(inside and z <= PRESS + NEAR)
        if self._pressed:
            if not self._crossed:
                goal = (x if z < CROSS - 0.01 else second, CROSS)
                self._crossed = bool(abs(x - second) <= NEAR)
            if self._crossed:
                goal = (x - LEVER_2 * self._aside(scene.slot_2), DOWN)
        move = (workspace.to_normalised(goal) - self._arm.target) * DIVISOR
        return np.clip(move, -1.0, 1.0).astype(np.float32)

    def _beside(self, slot: SlotConfig) -> bool:
        """Whether the cable lies beside a slot, below its walls' upper edges."""
        offset, height = cable_in_slot(self._simulator.cable_points(), slot)
        out = np.nanmin(np.abs(offset)) > slot.gap / 2
        return bool(out and np.nanmin(height) < slot.wall_height)

    def _aside(self, slot: SlotConfig) -> float:
        """How far the cable lies aside of a slot's middle, metres; 0 inside it, or unknown."""
        offset, _ = cable_in_slot(self._simulator.cable_points(), slot)
        middle = float(np.nan_to_num(np.median(offset)))
        return middle if abs(middle) > FINE else 0.0


def over_slot_1(scene: SampledScene) -> float:
    """Return where the gripper is when a straight cable lies over slot 1; x, metres."""
    x, y = scene.slot_1.position
    post_x, post_y, _ = scene.post
    return float(post_x + (x - post_x) * (post_y - GRASP[0]) / (post_y - y))
