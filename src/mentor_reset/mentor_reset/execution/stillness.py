"""Whether something has stopped moving."""

from __future__ import annotations

import numpy as np


class Stillness:
    """Decides from positions and their times whether nothing has moved for a while.

    A position holds until the next one is added: in lockstep none comes while nothing moves.

    Each position is compared with the one at which the last movement was noticed, not with the one
    before it. So a slow drift is noticed once each time that it has covered ``distance``, and is
    taken for stillness if it covers less than that in ``seconds``.

    Args:
        seconds: time without a movement, after which it is still.
        distance: greatest Euclidean distance between two positions, over all their axes, that is no
            movement; in the positions' own unit (an arm's are normalised, -1 to 1 on each axis).
    """

    def __init__(self, seconds: float, distance: float) -> None:
        self._seconds, self._distance = seconds, distance
        self._place: np.ndarray | None = None
        self._since = 0.0

    def add(self, position: np.ndarray, now: float) -> None:
        """Take a position.

        Args:
            position: shape (axes,).
            now: its time, seconds.
        """
        moved = self._place is None or np.linalg.norm(position - self._place) > self._distance
        if moved:
            self._place, self._since = np.array(position), now

    def still(self, now: float) -> bool:
        """Return whether nothing has moved for long enough; False while no position is known."""
        return self._place is not None and now - self._since >= self._seconds
