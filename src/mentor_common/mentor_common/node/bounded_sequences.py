"""Loads the library of mentor_msgs that bounds what a sequence of a received message may take.

Without it, a request of twelve bytes that announces billions of elements takes all memory of the
machine; why, and how it is prevented, stands in mentor_msgs/src/bounded_sequences.c. It holds for
what is loaded after it, so it comes before the client library.
"""

from __future__ import annotations

import contextlib
import ctypes

LIBRARY = "libmentor_bounded_sequences.so"
_THROWS = "libmentor_too_few_bytes.so"
MISSING = (
    f"{LIBRARY} of mentor_msgs was not found: one malformed request may take all memory; "
    "`make build` builds it, sourcing the workspace finds it"
)


def _load() -> bool:
    try:
        bounds = ctypes.CDLL(LIBRARY, ctypes.RTLD_GLOBAL)
    except OSError:
        return False
    with contextlib.suppress(
        OSError, AttributeError, ValueError
    ):  # another middleware than Fast DDS
        throw = ctypes.cast(ctypes.CDLL(_THROWS).throw_too_few_bytes, ctypes.c_void_p)
        ctypes.c_void_p.in_dll(bounds, "mentor_too_few_bytes").value = throw.value
    return True


BOUNDED = _load()
"""Whether the library was found."""
