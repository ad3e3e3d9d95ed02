"""The physical scene of one episode: where slots and post stand, and the cable between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mentor_sim_bridge.twins.cable.config import CableConfig, SlotConfig
from mentor_sim_bridge.twins.config_file import Spread

GRASP = np.array([-0.30, 0.050])
"""y and height of the grasp point with which the length of the cable is reckoned, metres."""


@dataclass(frozen=True)
class SampledScene:
    """What stands in the cell in one episode.

    Args:
        slot_1: the farther slot, where it is.
        slot_2: the nearer slot.
        post: upper end of the post, metres.
        cable_length: metres.
        bend_modulus: bend modulus of the cable, Pa.
        friction: coefficient between the cable and all that it touches.
    """

    slot_1: SlotConfig
    slot_2: SlotConfig
    post: np.ndarray
    cable_length: float
    bend_modulus: float
    friction: float

    @property
    def behind_slot_2(self) -> float:
        """Where the cable reaches the gripper if it runs on straight from both slots; x, metres."""
        first, second = np.array(self.slot_1.position), np.array(self.slot_2.position)
        slope = (second[0] - first[0]) / (second[1] - first[1])
        return float(second[0] + slope * (GRASP[0] - second[1]))


def sample_scene(config: CableConfig, random: np.random.Generator) -> SampledScene:
    """Sample within the configured ranges, uniformly."""
    ranges = config.scene_randomization
    spread = ranges.post
    post = np.array(config.post) + random.uniform(-1.0, 1.0, 3) * [spread.x, spread.y, spread.z]
    scene = SampledScene(
        slot_1=_draw_slot(config.slot_1, ranges.slot_1, random),
        slot_2=_draw_slot(config.slot_2, ranges.slot_2, random),
        post=post,
        cable_length=0.0,
        bend_modulus=random.uniform(*ranges.bend_modulus),
        friction=random.uniform(*ranges.friction),
    )
    length = way_through_slots(scene) + random.uniform(*ranges.slack)
    return replace(scene, cable_length=length)


def way_through_slots(scene: SampledScene) -> float:
    """Return the length of the way from the post through both slots to the gripper, metres."""
    y, height = GRASP
    way = np.array(
        [
            scene.post,
            [*scene.slot_1.position, height],
            [*scene.slot_2.position, height],
            [scene.behind_slot_2, y, height],
        ]
    )
    return float(np.linalg.norm(np.diff(way, axis=0), axis=1).sum())


def _draw_slot(slot: SlotConfig, spread: Spread, random: np.random.Generator) -> SlotConfig:
    x, y, yaw = random.uniform(-1.0, 1.0, 3) * [spread.x, spread.y, spread.yaw]
    return replace(slot, position=(slot.position[0] + x, slot.position[1] + y), yaw=slot.yaw + yaw)
