"""The cell's geometry, contact and randomization, read from `peg_insertion.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mentor_sim_bridge.twins.arm.panda_simulator import ArmFaults
from mentor_sim_bridge.twins.config_file import Range, Spread, check_timestep, config_loader
from mentor_sim_bridge.twins.visuals import VisualRanges

DEFAULT_FILE = Path(__file__).with_name("peg_insertion.yaml")


@dataclass(frozen=True)
class PegConfig:
    """One peg and its socket.

    Args:
        socket_yaw: by which the socket is turned in the board, radians.
        grip: width of the block by which the gripper holds the peg, metres; it tells the pegs
            apart.
    """

    socket_yaw: float
    grip: float


@dataclass(frozen=True)
class PegsConfig:
    """The three pegs, and what they have in common.

    Args:
        length: length of the prism, metres.
        block: height of the block on top of it, metres; the gripper takes it in the middle.
        density: kg/m3.
        play: between a peg and its socket, metres, both sides together.
    """

    star: PegConfig
    triangle: PegConfig
    arrow: PegConfig
    length: float
    block: float
    density: float
    play: float


@dataclass(frozen=True)
class BoardConfig:
    """The board with the three sockets in a row along y: metres.

    Args:
        position: position of its middle, x and y.
        thickness: height of its upper side.
        floor: height of the sockets' floors.
        pitch: distance between two sockets' middles; also the side of the square around each.
        chamfer: height and width of the slope of 45 degrees around each socket; 0: none.
    """

    position: tuple[float, float]
    thickness: float
    floor: float
    pitch: float
    chamfer: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.chamfer < self.thickness - self.floor:
            raise ValueError(
                f"board.chamfer is {self.chamfer:g}; it must be at least 0 and less than the depth "
                f"of the sockets, board.thickness - board.floor = {self.thickness - self.floor:g}"
            )


@dataclass(frozen=True)
class ShelfConfig:
    """The shelf with three places in a row along y: metres.

    Args:
        height: height of the plate on which the pegs stand.
        pitch: distance between two places.
        catch: distance from its place within which a peg that is let go stands in it.
        position: position of its middle, x and y.
    """

    height: float
    pitch: float
    catch: float
    position: tuple[float, float]


@dataclass(frozen=True)
class MotionConfig:
    """Physics and control.

    Args:
        timestep: seconds of a step of physics and control.
        rotational_stiffness: N m/rad about the horizontal axes.
        turn_stiffness: N m/rad about the vertical axis.
    """

    timestep: float
    rotational_stiffness: float
    turn_stiffness: float

    def __post_init__(self) -> None:
        check_timestep(self.timestep)


@dataclass(frozen=True)
class FaultConfig(ArmFaults):
    """What is a fault of the arm, and the force at which a peg slips from the gripper, newtons."""

    slip_force: float


@dataclass(frozen=True)
class SceneRandomization:
    """What an episode samples of the physical scene, uniformly.

    Args:
        board: pose of the board; its z is not sampled.
        hand: pose of the peg in the hand.
        friction: coefficient between peg and board.
        stiffness: N/m with which the arm is pulled to the commanded pose.
    """

    board: Spread
    hand: Spread
    friction: Range
    stiffness: Range


@dataclass(frozen=True)
class PegCellConfig:
    """The whole cell."""

    pegs: PegsConfig
    board: BoardConfig
    shelf: ShelfConfig
    motion: MotionConfig
    faults: FaultConfig
    scene_randomization: SceneRandomization
    visual_randomization: VisualRanges

    def peg(self, name: str) -> PegConfig:
        """Return what is configured of one peg."""
        config: PegConfig = getattr(self.pegs, name)
        return config

    @property
    def grasp_height(self) -> float:
        """Height of the grasp point above a peg's lower end, metres."""
        return self.pegs.length + self.pegs.block / 2

    @property
    def open_width(self) -> float:
        """Opening of the fingers around a peg that they do not hold, metres."""
        return max(self.pegs.star.grip, self.pegs.triangle.grip, self.pegs.arrow.grip) + 0.010

    @property
    def socket_depth(self) -> float:
        """Depth of a socket, metres."""
        return self.board.thickness - self.board.floor


load_peg_config = config_loader(PegCellConfig, DEFAULT_FILE)
"""Read a cell's YAML. Raises ValueError for a key that is missing or unknown."""
