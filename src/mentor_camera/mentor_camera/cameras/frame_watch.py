"""Checks of a camera by its stream of frames: drops, age, and whether its clock is right."""

from __future__ import annotations


class FrameWatch:
    """Checks each frame against the one before and against the receiver's clock.

    Args:
        max_future: seconds by which a stamp may be newer than the receiver's clock.
        max_age: seconds by which it may be older.
    """

    def __init__(self, max_future: float, max_age: float) -> None:
        self._max_future, self._max_age = max_future, max_age
        self._number: int | None = None
        self._stamp_ns = 0
        self.dropped = 0

    def restart(self) -> None:
        """Start again: the camera was opened again, and counts from where it likes."""
        self._number, self._stamp_ns = None, 0

    def refusal(self, stamp_ns: int, number: int, now_ns: int) -> str:
        """Count the frames that are missing before this one; return why it is not to be used.

        Args:
            stamp_ns: stamp of the frame, nanoseconds.
            number: the camera's count.
            now_ns: the receiver's clock, nanoseconds.

        Returns:
            the reason; empty if the frame is good.
        """
        if self._number is not None and number > self._number + 1:
            self.dropped += number - self._number - 1
        self._number = number
        age = (now_ns - stamp_ns) / 1e9
        if -age > self._max_future:
            return (
                f"its frames are stamped {-age:.3f} s in the future (at most {self._max_future:g} "
                "s); the camera's or this machine's clock is wrong"
            )
        if age > self._max_age:
            return (
                f"its frames are {age:.3f} s old when they arrive (at most {self._max_age:g} s); "
                "the camera's clock is wrong, or the USB bus or this machine is overloaded"
            )
        if stamp_ns <= self._stamp_ns:
            return f"a frame is stamped {(self._stamp_ns - stamp_ns) / 1e9:.3f} s before the last"
        self._stamp_ns = stamp_ns
        return ""
