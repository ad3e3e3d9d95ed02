"""How the C library's malloc treats freed memory."""

from __future__ import annotations

import ctypes

# malloc.h of glibc
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_THRESHOLD = -3
_M_MMAP_MAX = -4
_M_ARENA_MAX = -8


def keep_freed_memory() -> bool:
    """Tell malloc to keep freed blocks, large ones too, for the process.

    By default glibc maps every block above 32 MB again and gives it back at once, so that an update
    spends half of its time on page faults. Does for a running process what
    ``MALLOC_MMAP_THRESHOLD_`` and ``MALLOC_TRIM_THRESHOLD_`` do for a new one; calling it again
    does nothing more. All threads share one arena, because others cannot grow to such blocks.

    Returns:
        True if it took effect; False where the C library is not glibc.
    """
    mallopt = _mallopt()
    if mallopt is None:
        return False
    settings = (
        (_M_MMAP_MAX, 0),
        (_M_TRIM_THRESHOLD, 2**31 - 1),
        (_M_TOP_PAD, 64 << 20),
        (_M_ARENA_MAX, 1),
    )
    return all([mallopt(parameter, value) for parameter, value in settings])


def default_memory() -> bool:
    """Undo :func:`keep_freed_memory`: the thresholds that glibc grows to (for benchmarks)."""
    mallopt = _mallopt()
    if mallopt is None:
        return False
    settings = (
        (_M_MMAP_MAX, 65536),
        (_M_MMAP_THRESHOLD, 32 << 20),
        (_M_TRIM_THRESHOLD, 64 << 20),
        (_M_TOP_PAD, 128 << 10),
    )
    return all([mallopt(parameter, value) for parameter, value in settings])


def _mallopt() -> ctypes._NamedFuncPointer | None:
    try:
        libc = ctypes.CDLL("libc.so.6")
        return libc.mallopt
    except (OSError, AttributeError):
        return None
