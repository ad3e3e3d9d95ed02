"""Ends the process at a set time, whatever holds the interpreter."""

from __future__ import annotations

import ctypes
import os
import time

_SIGEV_THREAD = 2
"""Linux: when the timer fires, a function is called in a thread of its own."""


class _Event(ctypes.Structure):
    """`sigevent` of Linux, for a call in a thread: 64 bytes."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("function", ctypes.c_void_p),
        ("attributes", ctypes.c_void_p),
        ("unused", ctypes.c_byte * 32),
    )


class _Times(ctypes.Structure):
    """`itimerspec`: interval and first time, each in seconds and nanoseconds."""

    _fields_ = tuple(
        (name, ctypes.c_long) for name in ("every", "every_ns", "seconds", "nanoseconds")
    )


def exit_after(seconds: float, status: int) -> None:
    """End this process after that time with ``os._exit(status)``, unless it has ended before.

    A thread or a signal handler of Python's could not: a library may wait for ever while it holds
    the interpreter's lock. The C library calls `_exit` itself.

    Args:
        seconds: from now.
        status: exit status of the process.

    Raises:
        OSError: the system has no timer left.
    """
    library = ctypes.CDLL(None, use_errno=True)
    function = ctypes.cast(library._exit, ctypes.c_void_p).value
    event = _Event(value=status, notify=_SIGEV_THREAD, function=function)
    timer = ctypes.c_void_p()
    whole, rest = divmod(seconds, 1.0)
    times = _Times(seconds=int(whole), nanoseconds=int(rest * 1e9))
    made = library.timer_create(time.CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(timer))
    if made or library.timer_settime(timer, 0, ctypes.byref(times), None):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
