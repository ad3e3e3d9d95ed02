"""The straight way of one motion, with a smooth start and a smooth end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]


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
        return self.first + part * part * (3.0 - 2.0 * part) * (self.last - self.first)
