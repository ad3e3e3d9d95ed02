"""The unevenness of the felt: a smooth height field, sampled for each episode."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

WAVES = 4
LONGEST, SHORTEST = 0.6, 0.3
"""Bounds of the wavelengths, metres."""


@dataclass(frozen=True)
class Ground:
    """A sum of waves; height (m) and slope at any place.

    Args:
        waves: (amplitude m, wave number along x and y in rad/m, phase rad) of each.
    """

    waves: tuple[tuple[float, float, float, float], ...] = ()

    def height(self, x: float, y: float) -> float:
        """Return the height at a place, metres."""
        return sum(a * math.sin(kx * x + ky * y + phase) for a, kx, ky, phase in self.waves)

    def slope(self, x: float, y: float) -> tuple[float, float]:
        """Return how fast the height rises along x and along y."""
        along_x = along_y = 0.0
        for a, kx, ky, phase in self.waves:
            rise = a * math.cos(kx * x + ky * y + phase)
            along_x += kx * rise
            along_y += ky * rise
        return along_x, along_y


def draw_ground(slope: float, random: np.random.Generator) -> Ground:
    """Draw a ground that nowhere rises faster than `slope`."""
    waves = []
    for _ in range(WAVES):
        number = 2.0 * math.pi / random.uniform(SHORTEST, LONGEST)
        direction, phase = random.uniform(0.0, 2.0 * math.pi, 2)
        waves.append(
            (
                slope / WAVES / number,
                number * math.cos(direction),
                number * math.sin(direction),
                float(phase),
            )
        )
    return Ground(tuple(waves))
