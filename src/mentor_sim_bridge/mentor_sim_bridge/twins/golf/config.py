"""The cell's physics, collector and randomization, read from `tabletop_golf.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mentor_sim_bridge.twins.arm.panda_simulator import ArmFaults
from mentor_sim_bridge.twins.config_file import MotionConfig, Range, config_loader
from mentor_sim_bridge.twins.golf.ball import BallConfig
from mentor_sim_bridge.twins.visuals import VisualRanges

DEFAULT_FILE = Path(__file__).with_name("tabletop_golf.yaml")


@dataclass(frozen=True)
class ClubConfig:
    """The club's head: metres.

    Args:
        half_thickness: half its size along the strike.
        half_width: half its size across.
        half_height: half its size upwards.
        clearance: its distance from the felt.
    """

    half_thickness: float
    half_width: float
    half_height: float
    clearance: float


@dataclass(frozen=True)
class CollectorConfig:
    """The way of a ball that has left the court.

    Args:
        dwell: seconds in hole, water or gutter.
        spin_up: seconds that the motor must run before the ball is up again.
        turn: greatest change of the heading, radians, either way.
        outlet: where it comes back, metres.
        heading: in which direction.
        way: seconds from hole, water or gutter to the light sensor.
        speed: with which it comes back, m/s.
    """

    dwell: float
    spin_up: float
    turn: float
    outlet: tuple[float, float]
    heading: tuple[float, float]
    way: Range
    speed: Range


@dataclass(frozen=True)
class SceneRandomization:
    """What an episode samples of the physical scene, uniformly.

    Args:
        stimp: feet that a ball rolls from a Stimpmeter.
        slope: slope of the steepest place of the felt.
        start_x: where the ball lies at the beginning, metres.
        start_y: the same along the long side.
    """

    stimp: Range
    slope: Range
    start_x: Range
    start_y: Range

    def __post_init__(self) -> None:
        if self.stimp[0] <= 0.0:
            raise ValueError(f"stimp is {list(self.stimp)}, must be above 0 feet")


@dataclass(frozen=True)
class GolfConfig:
    """The whole cell."""

    ball: BallConfig
    club: ClubConfig
    collector: CollectorConfig
    motion: MotionConfig
    faults: ArmFaults
    scene_randomization: SceneRandomization
    visual_randomization: VisualRanges


load_golf_config = config_loader(GolfConfig, DEFAULT_FILE)
"""Read a cell's YAML. Raises ValueError for a key that is missing or unknown."""
