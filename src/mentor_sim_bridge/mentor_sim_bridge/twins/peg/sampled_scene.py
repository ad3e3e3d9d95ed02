"""The physical scene of one episode: where the board lies, how the peg sits in the hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentor_sim_bridge.twins.config_file import Spread
from mentor_sim_bridge.twins.peg.config import PegCellConfig
from mentor_sim_bridge.twins.peg.shapes import PEGS


@dataclass(frozen=True)
class SampledScene:
    """What is sampled per episode of the cell's physics.

    Args:
        board: x, y (metres) and yaw (radians) of the board.
        hand: x, y, z (metres) and yaw (radians) of the peg off its nominal pose in the hand.
        friction: coefficient between peg and board.
        stiffness: stiffness of the arm, N/m.
    """

    board: np.ndarray
    hand: np.ndarray
    friction: float
    stiffness: float


def nominal_scene(config: PegCellConfig) -> SampledScene:
    """Return the cell as configured, each range in its middle."""
    ranges = config.scene_randomization
    return SampledScene(
        np.array([*config.board.position, 0.0]),
        np.zeros(4),
        float(np.mean(ranges.friction)),
        float(np.mean(ranges.stiffness)),
    )


def sample_scene(config: PegCellConfig, random: np.random.Generator) -> SampledScene:
    """Sample within the configured ranges, uniformly."""
    ranges = config.scene_randomization
    x, y, _, yaw = _draw_pose(ranges.board, random)
    return SampledScene(
        np.array([config.board.position[0] + x, config.board.position[1] + y, yaw]),
        _draw_pose(ranges.hand, random),
        random.uniform(*ranges.friction),
        random.uniform(*ranges.stiffness),
    )


def socket_pose(config: PegCellConfig, scene: SampledScene, peg: str) -> np.ndarray:
    """Return x, y (metres) and yaw (radians) of a peg's socket, (3,)."""
    x, y, yaw = scene.board
    along = (PEGS.index(peg) - 1) * config.board.pitch
    return np.array(
        [x - along * np.sin(yaw), y + along * np.cos(yaw), yaw + config.peg(peg).socket_yaw]
    )


def _draw_pose(spread: Spread, random: np.random.Generator) -> np.ndarray:
    half = np.array([spread.x, spread.y, spread.z, spread.yaw])
    return half * random.uniform(-1.0, 1.0, 4)
