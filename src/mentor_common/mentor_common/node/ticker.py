"""A timer that uses no processor time while there is nothing to wait for."""

from __future__ import annotations

from typing import Any


class Ticker:
    """Rests until it is wanted; to be used on the callbacks' thread.

    Args:
        timer: timer of rclpy, whose callback is due at each tick.
    """

    def __init__(self, timer: Any) -> None:
        self._timer = timer
        timer.cancel()

    def want(self, wanted: bool) -> None:
        """Decide whether it ticks from now on."""
        if wanted == self._timer.is_canceled():
            self._timer.reset() if wanted else self._timer.cancel()
