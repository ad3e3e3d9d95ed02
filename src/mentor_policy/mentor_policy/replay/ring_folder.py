"""The folder of a ring: one writer at a time, room on the disk, files of the right size."""

from __future__ import annotations

import os
from pathlib import Path

from mentor_common.files import lock
from mentor_policy.replay.frame_store import frame_bytes
from mentor_policy.replay.header import ReplayError, RingHeader


class ReplayDiskFullError(ReplayError):
    """There is no room for the ring, or for its next record. What is in the ring is untouched."""


def take_lock(folder: Path) -> int:
    """Take the folder for this process; return the descriptor to close.

    Raises:
        ReplayError: another process writes there, or the lock is no file.
    """
    try:
        descriptor = lock.take_lock(folder / "lock")
    except lock.LockedError as owner:
        raise ReplayError(f"replay ring {folder} is being written by process {owner}") from None
    except OSError as error:
        raise ReplayError(f"{folder / 'lock'} cannot be locked: {error.strerror}") from error
    lock.write_owner(descriptor)
    return descriptor


def refuse_small_disk(
    folder: Path, header: RingHeader, record_bytes: int, expected: int | None
) -> None:
    """Refuse a new ring for which there is no room.

    Args:
        folder: folder of the ring.
        header: its shape.
        record_bytes: size of a record besides its frames.
        expected: records that will be written; None for as many as the ring has slots.

    Raises:
        ReplayDiskFullError: names what is needed and what is free.
    """
    records = header.slots if expected is None else min(expected, header.slots)
    needed = records * (frame_bytes(header.layout) + record_bytes)
    stat = os.statvfs(folder)
    free = stat.f_bavail * stat.f_frsize
    if needed > free:
        raise ReplayDiskFullError(
            f"replay ring {folder}: {records} records need {needed / 1e9:.2f} GB, the "
            f"disk has {free / 1e9:.2f} GB free. Lower the ring's capacity "
            "(train.replay_capacity, the actor's step_log, --capacity), or free space"
        )


def refuse_lost_files(folder: Path, header: RingHeader, record_bytes: int) -> None:
    """Refuse a ring whose files are gone or shorter than its header requires.

    Raises:
        ReplayError: names the file.
    """
    for name, least in (
        ("frames.bin", header.slots * frame_bytes(header.layout)),
        ("steps.bin", header.slots * record_bytes),
    ):
        path = folder / name
        if not path.is_file() or path.stat().st_size < least:
            raise ReplayError(f"replay ring {folder} is damaged: {name} is lost or cut off")


def disk_full(folder: Path, number: int, error: OSError) -> ReplayDiskFullError:
    """Return the error for a record ``number`` that has no room."""
    return ReplayDiskFullError(
        f"replay ring {folder}: no space left for record {number} ({error.strerror}); "
        "the ring keeps all records before it. Free space and start again to continue"
    )
