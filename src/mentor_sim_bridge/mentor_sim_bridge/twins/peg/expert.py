"""A scripted expert that sees the true state: the measure of whether the task can be solved."""

from __future__ import annotations

import numpy as np

from mentor_common.arm.arm import Arm
from mentor_sim_bridge.twins.peg.sampled_scene import socket_pose
from mentor_sim_bridge.twins.peg.simulator import PegSimulator

CLEAR = 0.004
"""Height of the peg's lower end above the board at which it is brought over the socket, metres."""
OVER, TURNED = 0.0006, 0.012
"""Distance (m) and angle (rad) off the socket within which the peg is lowered."""
IN, SUNK = 0.003, 0.002
"""Distance (m) off the socket up to which a peg that is SUNK (m) deep goes on down."""


class PegExpert:
    """Brings the peg over its socket, turns it, lowers it.

    It sees where the peg is and sends the arm on by what is missing, as the peg does not sit in the
    hand as it should. A peg that stands on the board instead of sinking in is lifted again.
    """

    def __init__(self, arm: Arm, simulator: PegSimulator) -> None:
        self._arm, self._simulator = arm, simulator

    def act(self) -> np.ndarray:
        """Return the next action, (4,) float32."""
        arm, simulator = self._arm, self._simulator
        config = simulator.config
        peg = simulator.peg_in_hand
        if not peg:
            return np.zeros(4, np.float32)
        pose, socket = simulator.peg_pose(peg), socket_pose(config, simulator.scene, peg)
        missing = socket - pose[[0, 1, 3]]
        missing[2] = np.angle(np.exp(1j * missing[2]))
        aside = float(np.linalg.norm(missing[:2]))
        here = arm.workspace.xyzr(arm.position)
        depth = config.board.thickness - pose[2]
        sinking = depth > SUNK and aside < IN
        if sinking or (aside < OVER and abs(missing[2]) < TURNED):
            height = config.board.floor
        else:
            height = config.board.thickness + CLEAR
        low = depth > -CLEAR / 2 and not sinking
        along = missing if not low else np.zeros(3)  # first off the board
        target = here + np.array([along[0], along[1], height - pose[2], along[2]])
        goal = arm.workspace.to_normalised(target)
        divisors = np.array([8.0, 8.0, 10.0, 8.0])
        return np.clip((goal - arm.target) * divisors, -1.0, 1.0).astype(np.float32)
