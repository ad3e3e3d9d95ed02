"""A stand-in for a robot, at the speed of its clock, for tests of the node's limits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mentor_arm.backends.driver import CancelCheck, DriverError, JointState, Readings, never
from mentor_common.arm.backend import GripperCommand, GripperFailed, GripperState
from mentor_common.tasks.workspace import Workspace

Float64 = npt.NDArray[np.float64]
WIDEST = 0.08
"""Greatest distance of the fingers, metres."""


class FastClock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self._now = 1_000_000_000

    def now_ns(self) -> int:
        """Return nanoseconds."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds."""
        return self._now / 1e9

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self._now += max(round(seconds * 1e9), 1000)


class StandInDriver:
    """Goes where it is sent at once, and keeps what it was sent for whoever checks it.

    Args:
        workspace: workspace of the task.
        start: (x, y, z, r) at which it stands.
    """

    joint_names = tuple(f"joint{index}" for index in range(1, 8))

    def __init__(self, workspace: Workspace, start: Float64) -> None:
        self._workspace = workspace
        self.at = np.array(start, np.float64)
        self.fault = ""
        self.plugged = True
        self.there = False
        self.commands = 0
        self.force = 0.0
        self._width = 0.0

    @property
    def connected(self) -> bool:
        """Whether the robot answers."""
        return self.there and self.plugged

    def connect(self, cancelled: CancelCheck = never) -> None:
        """Connect. Raises: DriverError while it is unplugged."""
        if not self.plugged:
            raise DriverError("the stand-in is unplugged")
        self.there, self.fault = True, ""

    def observe(self) -> None:
        """See whether the robot is there."""
        if not self.plugged and not self.fault:
            self.there, self.fault = False, "the stand-in was unplugged"

    def pose(self) -> tuple[Float64, Float64]:
        """Return where it stands."""
        turn = self.at[3]
        return self.at[:3].copy(), np.array([np.cos(turn / 2), np.sin(turn / 2), 0.0, 0.0])

    def joint_state(self) -> JointState:
        """Return zeros: it has no joints."""
        return np.zeros(7), np.zeros(7), np.zeros(7)

    def command(self, pose: Float64, velocity: Float64 | None = None) -> None:
        """Go there."""
        if self.fault:
            raise DriverError(self.fault)
        self.commands += 1
        self.at = np.array(pose)

    def recover(self, timeout: float, cancelled: CancelCheck = never) -> None:
        """End a fault."""
        self.fault = ""

    def gripper(self, command: GripperCommand) -> GripperState:
        """Move fingers that hold nothing."""
        command.moving(self._width)
        if command.command == "grasp":
            self._width = command.width
            if command.width > WIDEST:
                raise GripperFailed(f"width {command.width:g} m, at most {WIDEST:g} m")
        else:
            self._width = command.width or WIDEST
        return GripperState(self._width, command.command == "grasp")

    def readings(self) -> Readings:
        """Return the state that a robot would report."""
        return Readings("stand-in", 1000.0, 1.0, 0.0, self.force)

    def close(self) -> None:
        """Let go."""
        self.there = False
