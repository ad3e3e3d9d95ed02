"""Reads and clears the errors that the client library has noted and reported to nobody.

What cannot be read is dropped by the middleware, which notes why. Where nobody asks for that note,
and the next one is another, the client library writes both to the terminal, eleven lines for each
message of a stranger.
"""

from __future__ import annotations

import ctypes
from typing import Any


class _Text(ctypes.Structure):
    """`rcutils_error_string_t`."""

    _fields_ = (("text", ctypes.c_char * 1024),)


def _library() -> Any:
    """Return the library of the client library that keeps a note for each thread; None: none."""
    try:
        library = ctypes.CDLL("librcutils.so")
        library.rcutils_error_is_set.restype = ctypes.c_bool
        library.rcutils_get_error_string.restype = _Text
        library.rcutils_reset_error.restype = None
    except (OSError, AttributeError):  # its notes are then written
        return None
    return library


_LIBRARY = _library()


def take_client_error() -> str:
    """Return what the client library has noted in this thread, and clear it; empty: nothing."""
    if _LIBRARY is None or not _LIBRARY.rcutils_error_is_set():
        return ""
    text: bytes = _LIBRARY.rcutils_get_error_string().text
    _LIBRARY.rcutils_reset_error()
    return text.decode(errors="replace")


def take_unreadable() -> bool:
    """Do as :func:`take_client_error`; return whether it was about a message that cannot be read.

    The note's own text is of no use: it names the type of a response where a request was read.
    """
    return "deserializ" in take_client_error()


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
            take_client_error()
        return data
