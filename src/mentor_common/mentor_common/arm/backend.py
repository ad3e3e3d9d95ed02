"""What an arm must offer so that the step can be carried out on it: a robot's driver, or a twin."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mentor_common.arm.trajectory import Trajectory

Float64 = npt.NDArray[np.float64]
Watch = Callable[[], None]
"""Called every few hundredths of a second of a motion; stops the motion by raising."""


class GripperFailed(RuntimeError):
    """A gripper command that failed, and why.

    Args:
        reason: why.
        width: metres between the fingers where the command was carried out and nothing of that
            width is held; NaN: it was not carried out, so that nothing is known.
    """

    def __init__(self, reason: str, width: float = math.nan) -> None:
        super().__init__(reason)
        self.width = width


@dataclass(frozen=True)
class GripperCommand:
    """What the gripper is to do; 0: the backend's default.

    Args:
        command: "homing", "grasp" or "release".
        width: metres between the fingers: of the grasped object, or to open to.
        force: newtons, for "grasp".
        speed: metres per second.
        timeout: seconds of ROS time.
        cancelled: polled while the fingers move; True stops them, and the command has failed.
        moving: called with the metres between the fingers now and then while they move.
    """

    command: str
    width: float = 0.0
    force: float = 0.0
    speed: float = 0.0
    timeout: float = 0.0
    cancelled: Callable[[], bool] = field(default=lambda: False, compare=False)
    moving: Callable[[float], None] = field(default=lambda width: None, compare=False)


@dataclass(frozen=True)
class GripperState:
    """The gripper at the end of a command.

    Args:
        width: metres between the fingers.
        grasped: whether an object is held.
    """

    width: float
    grasped: bool


class ArmBackend(Protocol):
    """One arm. All calls but the properties come from one thread, and block until they are done.

    Attributes:
        resets: whether `begin_episode` sets the world up again, with the arm at its start (a twin);
            else the arm is moved to the start as by any other move.
    """

    resets: bool

    @property
    def joint_names(self) -> Sequence[str]:
        """Names of the joints of `joint_state`."""
        ...

    @property
    def time(self) -> int:
        """ROS time, nanoseconds; never goes back."""
        ...

    @property
    def fault(self) -> str:
        """Why the arm cannot move; empty if it can."""
        ...

    def pose(self) -> tuple[Float64, Float64]:
        """Return position (3,) in metres and quaternion (x, y, z, w) of the end effector."""
        ...

    def joint_state(self) -> tuple[Float64, Float64, Float64]:
        """Return positions, velocities and efforts of `joint_names`; SI units."""
        ...

    def follow(self, trajectory: Trajectory, midway: Watch | None, watch: Watch | None) -> None:
        """Carry out a motion; return at its end, or early with `fault` set.

        Args:
            trajectory: commanded poses, and how strong a swing is added to them.
            midway: called at half of the duration.
            watch: called while the arm moves; what it raises stops the arm and is passed on.
        """
        ...

    def hold(self, pose: Float64, seconds: float, watch: Watch | None) -> None:
        """Stay at a commanded pose (x, y, z, r) for a while, armed and controlled.

        The arm node's service ``hold`` is another thing: it stops the arm and disarms it.
        """
        ...

    def begin_episode(
        self, seed: int | None, start: npt.NDArray[np.float64], options: dict[str, object]
    ) -> None:
        """Set the world up for an episode that begins at `start`, (axes,) normalised.

        Args:
            seed: seed of all that is sampled; None continues with the last random state.
            start: where the arm is to stand; a real arm stands there already.
            options: options of a twin's episode, see the twin.
        """
        ...

    def recover(self, timeout: float) -> None:
        """End a fault where that is possible; `fault` is empty then.

        A real arm stays where it is; a twin may set its arm up again at a start.

        Args:
            timeout: seconds of wall time; 0: the backend's default.
        """
        ...

    def gripper(self, command: GripperCommand) -> GripperState:
        """Carry out a command of the gripper.

        Raises:
            GripperFailed: it was not carried out, or nothing of that width is held.
        """
        ...
