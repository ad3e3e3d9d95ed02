"""The cell's geometry, contact and randomization, read from `cable_routing.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mentor_sim_bridge.twins.arm.panda_simulator import ArmFaults
from mentor_sim_bridge.twins.config_file import MotionConfig, Range, Spread, config_loader
from mentor_sim_bridge.twins.visuals import VisualRanges

DEFAULT_FILE = Path(__file__).with_name("cable_routing.yaml")


@dataclass(frozen=True)
class CableShape:
    """The cable but for its length: metres, kg/m3, and N m s/rad of its joints."""

    segments: int
    radius: float
    density: float
    damping: float

    def __post_init__(self) -> None:
        if self.segments < 2:
            raise ValueError(f"segments is {self.segments}, must be at least 2")


@dataclass(frozen=True)
class SlotConfig:
    """A channel of two walls on the table: metres, and radians against the y axis."""

    position: tuple[float, float]
    yaw: float
    length: float
    gap: float
    wall_height: float
    wall_thickness: float


@dataclass(frozen=True)
class SceneRandomization:
    """What an episode samples of the physical scene, uniformly.

    Args:
        slot_1: range of the farther slot's pose; it stands on the table.
        slot_2: range of the nearer slot's pose.
        post: range of the post's upper end, a point.
        slack: metres of cable beyond the way from the post through both slots to the gripper.
        bend_modulus: bend modulus of the cable, Pa.
        friction: coefficient between the cable and all that it touches.
    """

    slot_1: Spread
    slot_2: Spread
    post: Spread
    slack: Range
    bend_modulus: Range
    friction: Range

    def __post_init__(self) -> None:
        if self.slot_1.z or self.slot_2.z or self.post.yaw:
            raise ValueError("z of a slot and yaw of the post cannot vary")


@dataclass(frozen=True)
class FaultConfig(ArmFaults):
    """What is a fault of the arm, and the force at which the cable tears, newtons."""

    tear_force: float


@dataclass(frozen=True)
class CableConfig:
    """The whole cell."""

    post: tuple[float, float, float]
    cable: CableShape
    slot_1: SlotConfig
    slot_2: SlotConfig
    slot_field_of_view: float
    motion: MotionConfig
    faults: FaultConfig
    scene_randomization: SceneRandomization
    visual_randomization: VisualRanges


load_cable_config = config_loader(CableConfig, DEFAULT_FILE)
"""Read a cell's YAML. Raises ValueError for a key that is missing or unknown."""
