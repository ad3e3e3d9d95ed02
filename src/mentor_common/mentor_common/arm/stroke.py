"""The motion of a strike: to the target, a backswing, a swing through it, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mentor_common.arm.trajectory import Float64, Trajectory, eased

ARRIVED, BACK, THROUGH, RETURNED = 0.22, 0.40, 0.76, 0.95
"""Shares of the duration at which the target is reached, and at which backswing, swing and return
are done."""
TINY = 1e-9
SAMPLES, MARGIN = 1000, 0.998
"""Intervals at which a stroke is held against its limits, and the share of the strongest that is
used, because a limit may be exceeded between two of them."""


@dataclass(frozen=True)
class Stroke(Trajectory):
    """A trajectory that ends with a swing along the end effector's angle.

    The swing goes along (sin r, -cos r) from as far behind the target as it ends before it, fastest
    at the target.

    Args:
        speed: speed of the swing at the target, m/s.
        lag: seconds by which the arm follows its command, which is therefore that much ahead: an
            impedance controller that damps every velocity lags by damping over stiffness.
    """

    speed: float = 0.0
    lag: float = 0.0
    ramp: ClassVar[float] = 0.4

    def at(self, share: float) -> Float64:
        """Return the commanded pose (4,) after this share of the duration, 0 to 1."""
        pose = super().at(share)
        offset, velocity = self._swing(share)
        along = offset + self.lag * velocity
        pose[0] += along * math.sin(pose[3])
        pose[1] -= along * math.cos(pose[3])
        return pose

    @property
    def reach(self) -> float:
        """Metres by which the swing goes beyond the target, and behind it before."""
        return self.speed * (THROUGH - BACK) * self.seconds / math.pi

    def within(self, low: Float64, high: Float64, speed: float, acceleration: float) -> Stroke:
        """Return the stroke with a swing as strong as the limits allow.

        They hold for the whole motion: the backswing begins while the arm still moves to the
        target. What makes up for the lag is not counted.

        Args:
            low: least x, y, z, r that may be commanded.
            high: greatest.
            speed: at most, m/s.
            acceleration: at most, m/s2.
        """
        times = np.linspace(0.0, 1.0, SAMPLES + 1)
        parts = np.minimum(1.0, times / self.ramp)[:, None]
        poses = self.first + eased(parts) * (self.last - self.first)
        way = poses[:, :3]
        ahead = np.array([self._swing(time)[0] for time in times.tolist()])
        swing = way.copy()
        swing[:, 0] += ahead * np.sin(poses[:, 3])
        swing[:, 1] -= ahead * np.cos(poses[:, 3])
        swing -= way
        rate = SAMPLES / self.seconds
        share = min(
            _greatest_share(np.diff(way, axis=0) * rate, np.diff(swing, axis=0) * rate, speed),
            _greatest_share(
                np.diff(way, 2, axis=0) * rate**2, np.diff(swing, 2, axis=0) * rate**2, acceleration
            ),
        )
        moves = np.abs(swing) > TINY
        room = np.where(swing > 0.0, high[:3] - way, way - low[:3])[moves]
        if moves.any():
            share = min(share, float((np.maximum(room, 0.0) / np.abs(swing[moves])).min()))
        return replace(self, speed=MARGIN * share * self.speed if share < 1.0 else self.speed)

    def _swing(self, share: float) -> tuple[float, float]:
        """Return how far the swing is ahead of the target, metres, and its velocity, m/s."""
        reach = self.reach
        if share < ARRIVED or share >= RETURNED:
            return 0.0, 0.0
        if share < BACK:
            rate, begin = math.pi / (BACK - ARRIVED), ARRIVED
            phase = rate * (share - begin)
            place, slope = -0.5 * reach * (1.0 - math.cos(phase)), -0.5 * reach * math.sin(phase)
        elif share < THROUGH:
            rate, begin = math.pi / (THROUGH - BACK), BACK
            phase = rate * (share - begin)
            place, slope = -reach * math.cos(phase), reach * math.sin(phase)
        else:
            rate, begin = math.pi / (RETURNED - THROUGH), THROUGH
            phase = rate * (share - begin)
            place, slope = 0.5 * reach * (1.0 + math.cos(phase)), -0.5 * reach * math.sin(phase)
        return place, slope * rate / self.seconds


def _greatest_share(way: Float64, swing: Float64, limit: float) -> float:
    """Return the greatest share up to 1 with |way + share * swing| <= limit in every row.

    Args:
        way: (n, 3).
        swing: (n, 3).
        limit: at least 0.
    """
    rows = np.linalg.norm(swing, axis=1) > TINY
    square = (swing[rows] ** 2).sum(1)
    mixed = (way[rows] * swing[rows]).sum(1)
    room = np.maximum(limit**2 - (way[rows] ** 2).sum(1), 0.0)
    shares = (np.sqrt(mixed**2 + square * room) - mixed) / square
    return float(np.clip(shares.min(initial=1.0), 0.0, 1.0))
