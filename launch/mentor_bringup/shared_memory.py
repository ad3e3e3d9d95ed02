"""Removes what processes that were killed have left in shared memory.

Fast DDS keeps its segments and ports as files in /dev/shm, each with a lock file beside it that its
owner holds by flock as long as it lives, in whatever container. What a process that was killed has
left stays there until somebody removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

_FOLDER = Path("/dev/shm")
_LOCKS = ("_el", "_sl")
"""Ends of the names of lock files: held by one process, shared by several."""


def remove_leftovers(folder: Path = _FOLDER, older_than: float = 60.0) -> tuple[int, int]:
    """Remove the segments and ports whose owners have died.

    Args:
        folder: folder of the shared memory.
        older_than: seconds; younger files are left alone, as their owner may be about to lock them.

    Returns:
        How many files were removed, and their size in bytes.
    """
    count, size = 0, 0
    names = {path.name[: -len(end)] for end in _LOCKS for path in folder.glob(f"fastdds_*{end}")}
    for name in sorted(names):
        with _locked([folder / f"{name}{end}" for end in _LOCKS], older_than) as is_left:
            if not is_left:
                continue
            for path in (
                folder / name,
                folder / f"sem.{name}_mutex",
                *(folder / f"{name}{end}" for end in _LOCKS),
            ):
                with contextlib.suppress(OSError):
                    used = path.stat().st_blocks * 512
                    path.unlink()
                    count, size = count + 1, size + used
    return count, size


@contextlib.contextmanager
def _locked(locks: list[Path], older_than: float) -> Iterator[bool]:
    """Lock all lock files of a name briefly; yield whether nobody else holds one."""
    opened = []
    try:
        for path in locks:
            if not path.exists():
                continue
            if time.time() - path.stat().st_mtime < older_than:
                yield False
                return
            descriptor = os.open(path, os.O_RDWR)
            opened.append(descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held, gone meanwhile, or another user's
        yield False
    else:
        yield bool(opened)
    finally:
        for descriptor in opened:
            os.close(descriptor)


if __name__ == "__main__":
    files, used = remove_leftovers()
    if files:
        print(f"removed {files} files of dead processes from {_FOLDER}, {used / 1e6:.1f} MB")
