"""Files that are written whole or not at all: the one place that writes and renames."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = ".new-"
"""Prefix of the name of a file while it is written; one that is left over may be deleted."""


@contextmanager
def replaced(path: Path, *, durably: bool = True, many_writers: bool = False) -> Iterator[Path]:
    """Give a temporary name to write to, which becomes the file when the block ends well.

    Args:
        path: path of the file; its folder exists.
        durably: whether the content is on the disk before the file has its name, so that a power
            cut leaves the old file or the new one. It takes a busy disk seconds.
        many_writers: whether other processes may write the same file at the same time. Each has a
            temporary name of its own then, and the last one wins.

    Returns:
        The temporary path, in the same folder and with the same suffix.

    Raises:
        OSError: the disk is full or read-only. After this and whatever the block raises, the file
            is as it was, and nothing is left beside it.
    """
    writer = f"{os.getpid()}-" if many_writers else ""
    temporary = path.with_name(f"{UNFINISHED}{writer}{path.name}")
    try:
        yield temporary
        if durably:
            _sync(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file's whole content, durably. Raises: see :func:`replaced`."""
    with replaced(path) as temporary:
        temporary.write_bytes(content)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
