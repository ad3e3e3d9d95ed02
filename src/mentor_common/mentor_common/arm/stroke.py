"""The motion of a strike: to the target, a backswing, a swing through it, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mentor_common.arm.trajectory import Float64, Trajectory

ARRIVED, BACK, THROUGH, RETURNED = 0.22, 0.40, 0.76, 0.95
"""Shares of the duration at which the target is reached, and at which backswing, swing and return
are done."""
TINY = 1e-9


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

    @property
    def acceleration(self) -> float:
        """Greatest acceleration of the swing, without what makes up for the lag, m/s2."""
        spans = (BACK - ARRIVED, THROUGH - BACK, RETURNED - THROUGH)
        rates = [math.pi / (span * self.seconds) for span in spans]
        return self.reach * max(0.5 * rates[0] ** 2, rates[1] ** 2, 0.5 * rates[2] ** 2)

    def within(self, low: Float64, high: Float64, speed: float, acceleration: float) -> Stroke:
        """Return the stroke with a swing as strong as bounds allow.

        Args:
            low: least x, y, z, r that the swing may reach.
            high: greatest.
            speed: at most, m/s.
            acceleration: at most, m/s2.
        """
        along = np.abs([math.sin(self.last[3]), math.cos(self.last[3])])
        room = np.minimum(high - self.last, self.last - low)[:2]
        share = min(1.0, speed / max(self.speed, TINY), acceleration / max(self.acceleration, TINY))
        for way, free in zip(along * self.reach, np.maximum(room, 0.0), strict=True):
            share = min(share, free / max(way, TINY))
        return replace(self, speed=share * self.speed)

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
