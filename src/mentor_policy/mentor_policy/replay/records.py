"""What one record of the ring holds besides its frames, and how it proves that it is whole.

The record of step k holds observation o(k), the action a(k - 1) that led there, the reward
r(k - 1) for it, and whether the episode ended there; that of step 0 has no action and reward 0. So
the transition from step k reads its observation from record k, and action, reward and flags from
record k + 1 (docs/architecture.md). Frames lie in a file of their own and are written first; the
record's checksum covers its own bytes and the checksum of its frames, so a record that is there at
all is complete.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from mentor_common.messages.numbers import LARGEST

TERMINATED = 1
TRUNCATED = 2
VALID = 4
SUCCESS = 8
CONTEXT = 16
"""Flag of a record that carries only older frames for the stacks of records after it."""

Records = npt.NDArray[np.void]


def record_dtype(action_size: int, state_size: int) -> np.dtype[np.void]:
    """Return the layout of a record on disk, little endian and packed.

    ``serial`` is the record's running number plus one, so that a slot never written (zeros) is
    invalid; ``reward`` is float64, as it travels over the topics.
    """
    return np.dtype(
        [
            ("serial", "<u8"),
            ("episode", "<u8"),
            ("reward", "<f8"),
            ("step", "<u4"),
            ("flags", "<u4"),
            ("frames_checksum", "<u4"),
            ("action", "<f4", (action_size,)),
            ("state", "<f4", (state_size,)),
            ("checksum", "<u4"),
        ]
    )


def checksum(record: bytes | memoryview) -> int:
    """Return the CRC-32 of a record without its last field."""
    return zlib.crc32(record[:-4])


def seal(record: npt.NDArray[np.void]) -> bytes:
    """Return the bytes of a one-element record array, with its checksum filled in."""
    record["checksum"] = checksum(record.tobytes())
    return record.tobytes()


def finite(records: Records) -> npt.NDArray[np.bool_]:
    """Return which records have only numbers that can be learned from: finite, none too large.

    Args:
        records: ``(N,)`` of `record_dtype`.

    Returns:
        ``(N,) bool``.
    """
    good: npt.NDArray[np.bool_] = np.abs(records["reward"]) <= LARGEST
    for name in ("action", "state"):
        good = good & (np.abs(records[name]) <= LARGEST).all(axis=1)
    return good


def whole(records: Records) -> npt.NDArray[np.bool_]:
    """Return which records were written, and have the checksum that their bytes give.

    Args:
        records: ``(N,)`` of `record_dtype`.

    Returns:
        ``(N,) bool``.
    """
    good: npt.NDArray[np.bool_] = records["serial"] != 0
    size = records.dtype.itemsize
    view = memoryview(records.tobytes())
    stored = records["checksum"]
    for row in np.flatnonzero(good):
        good[row] = checksum(view[row * size : (row + 1) * size]) == stored[row]
    return good
