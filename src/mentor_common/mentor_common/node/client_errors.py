"""Forgets errors that the client library has noted and reported to nobody.

What cannot be read is dropped by the middleware, which notes why. Nobody asks for that note; where
the next one is another, the client library writes both to the terminal, eleven lines for each
message of a stranger.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable


def _forgetter() -> Callable[[], object]:
    """Return the function of the client library that clears the note of the calling thread."""
    try:
        return ctypes.CDLL("librcutils.so").rcutils_reset_error
    except (OSError, AttributeError):  # its notes are then written
        return lambda: None


forget_client_error = _forgetter()
