"""Forgets errors that the client library has noted and reported to nobody.

What cannot be read is dropped by the middleware, which notes why. Nobody asks for that note; where
the next one is another, the client library writes both to the terminal, eleven lines for each
message of a stranger.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any


def _forgetter() -> Callable[[], object]:
    """Return the function of the client library that clears the note of the calling thread."""
    try:
        return ctypes.CDLL("librcutils.so").rcutils_reset_error
    except (OSError, AttributeError):  # its notes are then written
        return lambda: None


forget_client_error = _forgetter()


class OneAtATime:
    """Takes what is ready of an action one kind after the other, and forgets the errors between.

    rclpy takes goals, cancellations and results in one go; where two cannot be read, the client
    library would note one error on top of the other. Comes before rclpy's `ActionServer` or
    `ActionClient` among the bases.
    """

    def take_data(self) -> Any:
        """Take what is ready; return rclpy's dictionary of it."""
        ready = [name for name, on in vars(self).items() if name.startswith("_is_") and on is True]
        for name in ready:
            setattr(self, name, False)
        data: dict[str, Any] = {}
        for name in ready:
            setattr(self, name, True)
            data.update(super().take_data())  # type: ignore[misc]
            setattr(self, name, False)
            forget_client_error()
        return data
