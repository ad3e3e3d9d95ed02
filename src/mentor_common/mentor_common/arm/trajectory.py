"""The straight way of one motion, with a smooth start and a smooth end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from mentor_common.tasks.arm_section import MotionLimits

Float64 = npt.NDArray[np.float64]
Part = TypeVar("Part", float, Float64)


@dataclass(frozen=True)
class Trajectory:
    """Commanded poses from one pose to another.

    Args:
        first: where it starts, (x, y, z, r): metres, and radians about the vertical axis.
        last: where it ends, same form.
        seconds: its duration; at its end the pose stands still and the arm settles (see `ramp`).
        strike: strength of the swing that the backend adds to it, 0 to 1; 0: none.
    """

    first: Float64
    last: Float64
    seconds: float
    strike: float = field(default=0.0, kw_only=True)
    ramp: ClassVar[float] = 0.8
    """Share of the duration after which the commanded pose is at `last`."""

    def at(self, share: float) -> Float64:
        """Return the commanded pose (4,) after this share of the duration, 0 to 1."""
        part = min(1.0, share / self.ramp)
        return self.first + eased(part) * (self.last - self.first)


def eased(part: Part) -> Part:
    """Return the share of the way after a part of the time, 0 to 1: it starts and ends at rest."""
    return part * part * (3.0 - 2.0 * part)


def seconds_of(way: Float64, speed: float, limits: MotionLimits) -> float:
    """Return how long a move takes at a mean speed, or longer where the limits ask for it.

    Args:
        way: (x, y, z, r) from where the arm is: metres, and radians about the vertical axis.
        speed: metres per second.
        limits: of the arm.
    """
    peak = 1.5 / Trajectory.ramp  # a trajectory's greatest speed, by its mean
    translation = float(np.linalg.norm(way[:3])) / min(speed, limits.speed / peak)
    return max(translation, abs(float(way[3])) * peak / limits.turn_speed)
