"""What a robot must offer so that :class:`RealArm` can move it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mentor_common.arm.backend import GripperCommand, GripperState

Float64 = npt.NDArray[np.float64]
JointState = tuple[Float64, Float64, Float64]
CancelCheck = Callable[[], bool]
"""Returns whether what is under way is to end, at most a tenth of a second later."""


def never() -> bool:
    """Return False: nobody cancels."""
    return False


class DriverError(RuntimeError):
    """What the robot cannot do at present, and why."""


@dataclass(frozen=True)
class Readings:
    """The robot's reported state; NaN where it reports none.

    Args:
        mode: mode of the robot or its controller.
        rate: turns of its control loop per second.
        success: share of commands that reached it in time, 0 to 1.
        torque: largest share of a joint's torque limit, 0 to 1.
        force: external force at the end effector, N.
        age: how old the last pose was by this machine's clock when it came, seconds.
        wrench: external force (N) and torque (N m) at the end effector, (6,), in the frame of the
            workspace; None if it reports none.
    """

    mode: str = "unknown"
    rate: float = float("nan")
    success: float = float("nan")
    torque: float = float("nan")
    force: float = float("nan")
    age: float = float("nan")
    wrench: Float64 | None = None


class Driver(Protocol):
    """One robot. All calls come from one thread but `fault` and `connected`, and none may block for
    longer than a second, `connect`, `recover` and `gripper` excepted.

    Attributes:
        fault: why it does not move; empty if it can. Kept until `recover`.
    """

    fault: str

    @property
    def joint_names(self) -> Sequence[str]:
        """Names of the joints of `joint_state`."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the robot answers."""
        ...

    def connect(self, cancelled: CancelCheck = never) -> None:
        """Connect, set limits and load, and hold the arm where it is.

        Args:
            cancelled: polled meanwhile; True ends it.

        Raises:
            DriverError: the robot cannot be reached.
            Cancelled: `cancelled` was True.
        """
        ...

    def observe(self) -> None:
        """Read the robot's state; set `fault` if it is in one, or does not answer."""
        ...

    def pose(self) -> tuple[Float64, Float64]:
        """Return the last position (3,), metres, and quaternion (x, y, z, w), workspace frame."""
        ...

    def joint_state(self) -> JointState:
        """Return the last positions, velocities and efforts of `joint_names`; SI units."""
        ...

    def command(self, pose: Float64, velocity: Float64 | None = None) -> None:
        """Set where the arm is pulled to.

        Args:
            pose: (x, y, z, r).
            velocity: velocity of that pose, (4,) per second; a controller that can damps the arm
                against it, so that it keeps up. None: the arm is damped against standing still.

        Raises:
            DriverError: it cannot move.
        """
        ...

    def recover(self, timeout: float, cancelled: CancelCheck = never) -> None:
        """End a fault, and hold the arm where it is.

        Args:
            timeout: seconds of wall time.
            cancelled: polled meanwhile; True ends it.

        Raises:
            DriverError: the fault is still there.
            Cancelled: `cancelled` was True.
        """
        ...

    def gripper(self, command: GripperCommand) -> GripperState:
        """Carry out a command of the gripper. Raises: GripperFailed."""
        ...

    def readings(self) -> Readings:
        """Return the robot's reported state."""
        ...

    def close(self) -> None:
        """Let go of the robot, which stops."""
        ...
