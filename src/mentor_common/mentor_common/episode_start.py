"""Seeds and starts of episodes, drawn alike in process and by the reset node.

An environment in process and the cell over the topics give the same episodes only if both draw
from the same numbers in the same order. These are the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

_START = 0x57A27  # keeps the draw of the start apart from whatever else is drawn from the seed


class EpisodeSeeds:
    """The seed of each episode: the one that is given, else the next of a chain.

    The chain begins anew with every given seed, so that ``reset(seed=1); reset(); reset()`` always
    leads to the same three episodes. Without any given seed it begins with fresh entropy.
    """

    def __init__(self) -> None:
        self._random = np.random.default_rng()

    def next(self, seed: int | None = None) -> int:
        """Seed of the next episode, 0 to 2**63 - 1.

        Raises: ValueError for a negative seed, or one that does not fit.
        """
        if seed is None:
            return int(self._random.integers(2**63))
        if not 0 <= seed < 2**64:
            raise ValueError(f"seed is {seed}, must be 0 to 2**64 - 1")
        self._random = np.random.default_rng(seed)
        return seed


def draw_start(bounds: Mapping[str, tuple[float, float]], seed: int) -> npt.NDArray[np.float32]:
    """The random start of an episode, uniform within ``bounds`` of each axis, in their order.

    Args:
        bounds: normalised bounds per axis, as ``Task.reset.start``.
        seed: the episode's seed.
    Returns: normalised position, shape (axes,), float32 as MoveTo carries it.
    """
    low, high = np.array(list(bounds.values()), np.float64).reshape(-1, 2).T
    drawn = np.random.default_rng([_START, seed]).uniform(low, high)
    return np.clip(drawn, low, high).astype(np.float32)
