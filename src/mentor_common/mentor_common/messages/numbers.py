"""Which numbers of anybody a network can learn from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

LARGEST = 1e9
"""Size of a number above which the square of what is computed from it may leave float32's range."""


def usable(values: npt.ArrayLike) -> bool:
    """Return whether all numbers are finite and at most LARGEST in size."""
    return bool((np.abs(np.asarray(values)) <= LARGEST).all())
