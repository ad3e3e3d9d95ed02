"""The limits that hold next to the hardware, whatever the policy's side has checked before.

A motion is slowed down until its speed and acceleration are allowed; every single command is then
checked against the bounds and against the command before it, and what does not pass is not sent.
Commanded poses are (x, y, z, r): metres, and radians about the vertical axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mentor_common.arm.trajectory import Trajectory
from mentor_common.cell.cell_file import Cell
from mentor_common.tasks.arm_section import MotionLimits
from mentor_common.tasks.task import Task
from mentor_common.tasks.workspace import AXES

Float64 = npt.NDArray[np.float64]
ROUNDING = 1e-6
"""By how much a command may miss a limit, as a share of it or in metres."""
_PEAK_SPEED, _PEAK_ACCELERATION = 1.5, 6.0  # of a way of 1 in 1 s, see Trajectory


class LimitsError(ValueError):
    """Limits that contradict each other, or a task that does not fit the cell."""


class CommandRefused(RuntimeError):
    """A command beyond the limits: which one, and by how much."""


@dataclass(frozen=True)
class PoseBounds:
    """Where the end effector may be sent: lowest and highest (x, y, z, r)."""

    low: Float64
    high: Float64

    def excess(self, pose: Float64) -> float:
        """Return by how much a pose, (4,), is outside along the axis that leaves most; 0 inside."""
        return float(self.excess_by_axis(pose).max())

    def excess_by_axis(self, pose: Float64) -> Float64:
        """Return by how much a pose, (4,), is outside along each axis, (4,); 0 inside."""
        return np.asarray(np.maximum(np.maximum(self.low - pose, pose - self.high), 0.0))


def task_bounds(task: Task, cell: Cell) -> PoseBounds:
    """Return where commands may be: in the task's workspace, as far as its window may be moved.

    The cell's bounds hold all of that, so what keeps to it keeps to them as well.

    Args:
        task: the task.
        cell: its bounds; an axis that they do not name is not compared.

    Raises:
        LimitsError: the cell's bounds do not hold the task's workspace.
    """
    low, high = task.reach
    for axis, (least, greatest) in cell.bounds.items():
        index = AXES.index(axis)
        if low[index] < least or high[index] > greatest:
            raise LimitsError(
                f"task {task.file} moves along {axis} from {low[index]:.3f} to {high[index]:.3f} m "
                f"(with its window's offsets); the bounds of cell {cell.name} ({cell.file}) are "
                f"{least:g} to {greatest:g} m: change one of them"
            )
    return PoseBounds(low, high)


def check_actions(task: Task) -> None:
    """Compare the largest action with `arm.limits.step` and `arm.limits.turn`.

    Raises:
        LimitsError: one action may move the arm farther or turn it more.
    """
    spans = {axis.name: (axis.high - axis.low) / 2.0 for axis in task.workspace.axes}
    sizes = {d.axis: spans[d.axis] / d.divisor for d in task.deltas if d is not None}
    turned = sizes.pop("r", 0.0)
    moved = float(np.linalg.norm(list(sizes.values())))
    limits = task.arm.limits
    for verb, size, name, most, unit in (
        ("moves", moved, "step", limits.step, "m"),
        ("turns", turned, "turn", limits.turn, "rad"),
    ):
        if size > most:
            raise LimitsError(
                f"task {task.file}: an action {verb} the arm by up to {size:.3f} {unit}; "
                f"arm.limits.{name} is {most:g} {unit}; raise the divisors of its actions"
            )


def slowed(trajectory: Trajectory, limits: MotionLimits) -> Trajectory:
    """Return the same way in as much time as the limits of speed and acceleration demand.

    Args:
        trajectory: trajectory of a motion; of a stroke, the way to where it swings counts.
        limits: limits of the task.
    """
    way = trajectory.last - trajectory.first
    distance, turn = float(np.linalg.norm(way[:3])), abs(float(way[3]))
    ramp = max(
        _PEAK_SPEED * distance / limits.speed,
        _PEAK_SPEED * turn / limits.turn_speed,
        math.sqrt(_PEAK_ACCELERATION * distance / limits.acceleration),
        math.sqrt(_PEAK_ACCELERATION * turn / limits.turn_acceleration),
    )
    return replace(trajectory, seconds=max(trajectory.seconds, ramp / trajectory.ramp))


class CommandGuard:
    """The last check of every command, one after the other.

    Args:
        bounds: where commands may be. From outside they may only come nearer, along each axis.
        limits: limits of speed and acceleration.
        start: the pose at which the arm stands still.
    """

    def __init__(self, bounds: PoseBounds, limits: MotionLimits, start: Float64) -> None:
        self._bounds, self._limits = bounds, limits
        self.pose = np.array(start, np.float64)
        self.velocity = np.zeros(4)
        self._seconds = 0.0

    def check(self, wanted: Float64, seconds: float) -> Float64:
        """Return the command if it may follow on the last one.

        Args:
            wanted: commanded pose, (4,).
            seconds: time since the last one.

        Raises:
            CommandRefused: it leaves the bounds, or is too fast; nothing has changed.
        """
        if wanted.shape != (4,) or not np.isfinite(wanted).all() or not seconds > 0.0:
            raise CommandRefused(f"command {wanted.tolist()} in {seconds:g} s is none")
        outside, before = (self._bounds.excess_by_axis(pose) for pose in (wanted, self.pose))
        leaving = np.where(outside > np.maximum(before, ROUNDING), outside, 0.0)
        if leaving.any():
            axis = int(leaving.argmax())
            raise CommandRefused(
                f"command {np.round(wanted, 4).tolist()} is {outside[axis]:.4f} outside along "
                f"{AXES[axis]}"
            )
        velocity = (wanted - self.pose) / seconds
        # Each velocity is the mean over its interval: they belong to the intervals' middles.
        change = (velocity - self.velocity) / ((seconds + (self._seconds or seconds)) / 2.0)
        limits = self._limits
        for name, value, limit in (
            ("speed", np.linalg.norm(velocity[:3]), limits.speed),
            ("turn speed", abs(velocity[3]), limits.turn_speed),
            ("acceleration", np.linalg.norm(change[:3]), limits.acceleration),
            ("turn acceleration", abs(change[3]), limits.turn_acceleration),
        ):
            # A difference of poses of 1e-16 m over 1 ms is an acceleration of 1e-10 m/s2.
            if value > limit * (1.0 + ROUNDING) + ROUNDING:
                raise CommandRefused(f"{name} {value:.4f} where {limit:g} is allowed")
        self.pose, self.velocity, self._seconds = np.array(wanted, np.float64), velocity, seconds
        return self.pose

    def brake(self, seconds: float) -> Float64:
        """Return the next command of a stop at the limits of acceleration.

        Args:
            seconds: time since the last command.
        """
        velocity = self.velocity.copy()
        for part, limit in (
            (slice(0, 3), self._limits.acceleration), (slice(3, 4), self._limits.turn_acceleration)
        ):  # fmt: skip
            speed = float(np.linalg.norm(velocity[part]))
            velocity[part] *= max(0.0, 1.0 - limit * seconds / speed) if speed else 0.0
        self.velocity, self._seconds = velocity, seconds
        self.pose = np.clip(
            self.pose + velocity * seconds,
            np.minimum(self._bounds.low, self.pose), np.maximum(self._bounds.high, self.pose),
        )  # fmt: skip
        return self.pose

    @property
    def moving(self) -> bool:
        """Whether the commands do not stand still."""
        return bool(np.abs(self.velocity).max() > 1e-9)
