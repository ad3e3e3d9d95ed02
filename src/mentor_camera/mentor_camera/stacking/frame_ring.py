"""The newest frames of one camera, ordered by their stamps."""

from __future__ import annotations

from bisect import bisect_left, insort
from itertools import pairwise
from statistics import median

import numpy as np

_PERIOD_GAPS = 15  # gaps between frames from which the camera's period is estimated


class FrameRing:
    """Keeps the newest frames of a camera, whatever the order in which they arrive.

    Args:
        depth: frames kept; older ones fall out.
        restart_s: a frame older than the newest by more than this many seconds means that the
            clock was set back (a twin or a bag was started again): the ring starts from that frame.
    """

    def __init__(self, depth: int, restart_s: float = 5.0) -> None:
        if depth < 3:
            raise ValueError(
                f"frame ring: depth is {depth}, must be at least 3 (one a wanted time)"
            )
        self._depth = depth
        self._restart_ns = round(restart_s * 1e9)
        self._stamps: list[int] = []
        self._pixels: dict[int, np.ndarray] = {}
        self.received = 0
        self.duplicates = 0
        self.out_of_order = 0
        self.restarts = 0

    def __len__(self) -> int:
        return len(self._stamps)

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the newest frame, nanoseconds; None when there is none."""
        return self._stamps[-1] if self._stamps else None

    @property
    def oldest_ns(self) -> int | None:
        """Stamp of the oldest frame kept, nanoseconds; None when there is none."""
        return self._stamps[0] if self._stamps else None

    def clear(self) -> None:
        """Forget all frames, not the counts."""
        self._stamps.clear()
        self._pixels.clear()

    def add(self, stamp_ns: int, pixels: np.ndarray) -> bool:
        """Put a frame in its place; False if it is dropped (seen before, or too old to keep)."""
        self.received += 1
        newest = self.newest_ns
        if newest is not None and newest - stamp_ns > self._restart_ns:
            self.clear()
            self.restarts += 1
            newest = None
        if stamp_ns in self._pixels:
            self.duplicates += 1
            return False
        if newest is not None and stamp_ns < newest:
            self.out_of_order += 1
        insort(self._stamps, stamp_ns)
        self._pixels[stamp_ns] = pixels
        if len(self._stamps) > self._depth:
            del self._pixels[self._stamps.pop(0)]
        return stamp_ns in self._pixels

    def pixels(self, stamp_ns: int) -> np.ndarray:
        """Return the frame with exactly this stamp; KeyError if it is not kept."""
        return self._pixels[stamp_ns]

    def nearest(self, time_ns: int) -> int | None:
        """Return the stamp of the frame nearest to a time, of two the older; None if empty."""
        if not self._stamps:
            return None
        after = bisect_left(self._stamps, time_ns)
        around = self._stamps[max(after - 1, 0) : after + 1]
        return min(around, key=lambda stamp: abs(stamp - time_ns))

    def period_ns(self) -> int | None:
        """Return the frame period (median of the newest gaps); None below four frames."""
        newest = self._stamps[-_PERIOD_GAPS - 1 :]
        if len(newest) < 4:
            return None
        return round(median(b - a for a, b in pairwise(newest)))

    def is_settled(self, time_ns: int) -> bool:
        """Return whether no nearer frame can come any more, from a camera that delivers in order.

        True when a frame has exactly this stamp, or a later one has arrived and no frame is missing
        from the gap around it.
        """
        if time_ns in self._pixels:
            return True
        after = bisect_left(self._stamps, time_ns)
        if after == len(self._stamps):
            return False
        period = self.period_ns()
        if after == 0 or period is None:
            return True
        return 2 * (self._stamps[after] - self._stamps[after - 1]) <= 3 * period
