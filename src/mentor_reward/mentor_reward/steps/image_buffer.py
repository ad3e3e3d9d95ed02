"""The latest images of a reward-only camera, and those that belong to a motion."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from operator import attrgetter

from mentor_common.tasks.reward_model import StampedImage

_STAMP = attrgetter("stamp")
_RESTART = 500_000_000
"""Nanoseconds by which an image is older than the newest if the clock was set back, as a twin does
that is started again. A camera's images come in order."""


class ImageBuffer:
    """Keeps images in the order of their stamps.

    Args:
        tolerance: nanoseconds between the end of a motion and the image nearest to it, at most.
        depth: images that are kept.
    """

    def __init__(self, tolerance: int, depth: int = 300) -> None:
        self._tolerance, self._depth = tolerance, depth
        self._images: list[StampedImage] = []

    def add(self, image: StampedImage) -> None:
        """Take an image; one whose stamp is there already is dropped.

        One that is more than _RESTART older than the newest is of a clock that was set back: the
        images of the old clock are dropped.
        """
        if self._images and self._images[-1].stamp - image.stamp > _RESTART:
            self._images.clear()
        index = bisect_left(self._images, image.stamp, key=_STAMP)
        if index < len(self._images) and self._images[index].stamp == image.stamp:
            return
        insort(self._images, image, key=_STAMP)
        del self._images[: -self._depth]

    def clear(self) -> None:
        """Forget all images."""
        self._images.clear()

    def covers(self, end: int) -> bool:
        """Return whether there is an image at or after ``end``: no better one will come."""
        return bool(self._images) and self._images[-1].stamp >= end

    def between(self, last_end: int | None, end: int) -> tuple[StampedImage, ...]:
        """Return the images of a motion.

        Args:
            last_end: end of the motion before, nanoseconds; None: only the nearest to ``end``.
            end: end of this motion.

        Returns:
            Those after ``last_end``, oldest first; the last one is the first at or after ``end``,
            or the nearest before it. Empty if it is farther than ``tolerance`` from ``end``.
        """
        images = self._images
        last = bisect_left(images, end, key=_STAMP)
        is_late = last == len(images) or images[last].stamp - end > self._tolerance
        if is_late:  # or none: the nearest before it
            last -= 1
        if last < 0 or abs(images[last].stamp - end) > self._tolerance:
            return ()
        first = last if last_end is None else bisect_right(images, last_end, key=_STAMP)
        return tuple(images[min(first, last) : last + 1])
