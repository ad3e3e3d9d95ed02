"""The limits that hold next to the hardware, whatever the policy's side has checked before.

A commanded pose is brought into a box and towards the last pose, until neither the step nor the
speed exceed what is allowed. What is no pose at all is refused: it must not reach a controller.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]


class CommandRefused(ValueError):
    """A command that cannot be brought within the limits; nothing may move."""


@dataclass(frozen=True)
class Limits:
    """What the arm may be told to do.

    Args:
        low, high: corners of the box that holds the end effector, metres, (x, y, z) each.
        max_step: greatest way of one command, metres.
        max_turn: greatest rotation of one command, radians.
        max_speed: metres per second.
        max_turn_speed: radians per second.
    """

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    max_step: float
    max_turn: float
    max_speed: float
    max_turn_speed: float

    def __post_init__(self) -> None:
        for name in ("max_step", "max_turn", "max_speed", "max_turn_speed"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0.0):
                raise ValueError(f"limits: {name} is {value}, must be a finite number above 0")
        corners = np.array([self.low, self.high])
        if not np.isfinite(corners).all() or not (corners[0] < corners[1]).all():
            raise ValueError(f"limits: the box from {self.low} to {self.high} holds no pose")


@dataclass(frozen=True)
class Pose:
    """A pose of the end effector: position in metres, shape (3,); unit quaternion (x, y, z, w)."""

    position: Float64
    quaternion: Float64


def checked_pose(position: npt.ArrayLike, quaternion: npt.ArrayLike) -> Pose:
    """Return the pose that these numbers are.

    Raises:
        CommandRefused: if they are not finite, of another shape, or the quaternion is no rotation.
    """
    xyz, xyzw = np.asarray(position, np.float64), np.asarray(quaternion, np.float64)
    if xyz.shape != (3,) or not np.isfinite(xyz).all():
        raise CommandRefused(f"position {xyz.tolist()} must be 3 finite numbers")
    length = float(np.linalg.norm(xyzw)) if xyzw.shape == (4,) else math.nan
    if not abs(length - 1.0) < 1e-2:
        raise CommandRefused(f"quaternion {xyzw.tolist()} must be 4 numbers of length 1")
    return Pose(xyz, xyzw / length)


def limited_pose(limits: Limits, now: Pose, wanted: Pose, seconds: float) -> tuple[Pose, str]:
    """Return the pose that may be commanded instead of `wanted`, and why it is another one.

    Args:
        now: where the end effector is.
        wanted: where it is told to go.
        seconds: time that it has for the way.

    Returns:
        the pose, and the reason of the change; the reason is empty if there is none.

    Raises:
        CommandRefused: if there is no time.
    """
    if not seconds > 0.0:
        raise CommandRefused(f"a motion in {seconds} s; it needs more than 0")
    reasons = []
    position = np.clip(wanted.position, limits.low, limits.high)
    if (position != wanted.position).any():
        reasons.append("outside the box")
    way = position - now.position
    allowed = min(limits.max_step, limits.max_speed * seconds)
    distance = float(np.linalg.norm(way))
    if distance > allowed:
        # From outside the box the way back in is taken in steps, too.
        position = now.position + way * (allowed / distance)
        reasons.append(f"{distance:.3f} m where {allowed:.3f} m are allowed")
    turn = rotation_between(now.quaternion, wanted.quaternion)
    allowed = min(limits.max_turn, limits.max_turn_speed * seconds)
    quaternion = wanted.quaternion
    if turn > allowed:
        quaternion = _part_of_turn(now.quaternion, wanted.quaternion, allowed / turn)
        reasons.append(f"{turn:.3f} rad where {allowed:.3f} rad are allowed")
    return Pose(position, quaternion), "; ".join(reasons)


def rotation_between(one: Float64, other: Float64) -> float:
    """Angle between two orientations, radians in [0, pi]; unit quaternions (x, y, z, w)."""
    # The half angle's tangent is exact also for small angles, where arccos is not.
    if np.dot(one, other) < 0.0:
        other = -other
    return 4.0 * math.atan2(float(np.linalg.norm(one - other)), float(np.linalg.norm(one + other)))


def _part_of_turn(start: Float64, end: Float64, share: float) -> Float64:
    """Interpolate on the sphere of orientations, the short way round."""
    if np.dot(start, end) < 0.0:
        end = -end
    half = rotation_between(start, end) / 2.0
    between = np.sin((1.0 - share) * half) * start + np.sin(share * half) * end
    return np.asarray(between / np.linalg.norm(between))


def is_stale(stamp: float, now: float, deadline: float) -> bool:
    """Whether a command of `stamp` has passed its deadline; all seconds of ROS time.

    A stamp from the future is as bad as an old one: clocks disagree, and nobody knows its age.
    """
    return not 0.0 <= now - stamp <= deadline
