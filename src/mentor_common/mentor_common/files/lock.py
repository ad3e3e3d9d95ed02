"""The lock of a folder that only one process at a time may write."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class LockedError(RuntimeError):
    """Another process holds the lock; the text is its process number, or "unknown"."""


def take_lock(path: Path) -> int:
    """Take a lock that is held until the descriptor is closed or the process ends, even by force.

    Args:
        path: path of the lock file. It is made if it is not there, its content is left as it is,
            and it stays when the lock is released.

    Returns:
        The descriptor to close.

    Raises:
        LockedError: another process holds the lock.
        OSError: the file cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise LockedError(owner) from None
    return descriptor


def write_owner(descriptor: int) -> None:
    """Write this process's number into a lock file that it holds, for those who are refused."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
