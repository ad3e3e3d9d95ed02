"""Removes what processes that were killed have left in shared memory.

Fast DDS keeps its segments and ports as files in /dev/shm. Whoever reads one holds a lock file
beside it by flock as long as it lives, in whatever container; whoever writes to a port only maps
it. What a process that was killed has left stays there until somebody removes it; so does a port
whose reader has ended in good order after one of its writers was killed, without a lock file.

A process that begins may open such a port again at any time, and would wait for ever for messages
in a port that was unlinked meanwhile. Fast DDS opens a port under a mutex, the semaphore beside the
port's file. So that mutex is held here from the last look at who maps the port until it is gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import mmap
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

_FOLDER = Path("/dev/shm")
_LOCKS = ("_el", "_sl")
"""Ends of the names of lock files: held by one process, shared by several."""
_FILE = re.compile(r"(sem\.)?(fastdds_[^_/\s]+)(?:_el|_sl|_mutex)?")
"""A file of Fast DDS: whether it is a semaphore, and the segment or port that it belongs to."""
_SEMAPHORE_SIZE = 32
"""Bytes of a semaphore of the C library on 64-bit Linux."""


def remove_leftovers(folder: Path = _FOLDER, older_than: float = 5.0) -> tuple[int, int]:
    """Remove this user's segments and ports that no living process reads or maps.

    Args:
        folder: folder of the shared memory.
        older_than: seconds; younger files are left alone, as their owner may be about to lock them.

    Returns:
        How many files were removed, and their size in bytes.
    """
    count, size = 0, 0
    names = {name for name in _names(folder, older_than) if not _is_held(folder, name)}
    if names:  # reading the maps of all processes takes time
        names -= _mapped(folder)
    with contextlib.ExitStack() as mutexes:
        for name in names:
            mutexes.enter_context(_mutex_held(_semaphore(folder, name)))
        if names:  # whoever opened one since then maps it, or waits for its mutex
            names -= _mapped(folder, own_mutexes=False)
        for name in sorted(names):
            with _locked(folder, name) as is_left:
                for path in _files(folder, name) if is_left else ():
                    with contextlib.suppress(OSError):
                        used = path.stat().st_blocks * 512
                        path.unlink()
                        count, size = count + 1, size + used
    return count, size


def _files(folder: Path, name: str) -> list[Path]:
    """Return the files that may belong to a segment or port; the lock files last."""
    locks = [folder / (name + end) for end in _LOCKS]
    return [folder / name, _semaphore(folder, name), *locks]


def _semaphore(folder: Path, name: str) -> Path:
    return folder / f"sem.{name}_mutex"


def _names(folder: Path, older_than: float) -> set[str]:
    """Return the segments and ports all of whose files are old enough and this user's."""
    latest, user = time.time() - older_than, os.geteuid()
    left: set[str] = set()
    kept: set[str] = set()
    for path in folder.glob("*fastdds_*"):
        if matched := _FILE.fullmatch(path.name):
            with contextlib.suppress(OSError):  # gone meanwhile
                status = path.stat()
                is_left = status.st_mtime < latest and status.st_uid == user
                (left if is_left else kept).add(matched[2])
    return left - kept


def _mapped(folder: Path, own_mutexes: bool = True) -> set[str]:
    """Return the segments and ports that a process maps, as far as this user may see.

    Args:
        folder: folder of the shared memory.
        own_mutexes: whether a port counts of which this process maps nothing but the mutex.
    """
    found = set()
    mapped = re.compile(f"{re.escape(str(folder))}/{_FILE.pattern}")
    for maps in Path("/proc").glob("[0-9]*/maps"):
        every = own_mutexes or maps.parent.name != str(os.getpid())
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            text = maps.read_text(errors="replace")
            found |= {m[2] for m in mapped.finditer(text) if every or not m[1]}
    return found


@contextlib.contextmanager
def _mutex_held(path: Path) -> Iterator[None]:
    """Hold the mutex of a port while its file exists and nobody else holds it.

    Whoever died while holding it holds it for ever; a living holder maps it, which is looked at
    afterwards. Fast DDS waits 2 s for such a mutex, then makes it anew.
    """
    library = ctypes.CDLL(None)
    semaphore = None
    with contextlib.suppress(OSError, ValueError), path.open("r+b") as file:
        semaphore = ctypes.c_char.from_buffer(mmap.mmap(file.fileno(), _SEMAPHORE_SIZE))
    held = semaphore is not None and library.sem_trywait(ctypes.byref(semaphore)) == 0
    try:
        yield
    finally:
        if semaphore is not None and held:
            library.sem_post(ctypes.byref(semaphore))


def _is_held(folder: Path, name: str) -> bool:
    """Return whether a living process holds a lock of a segment or port."""
    with _locked(folder, name) as is_left:
        return not is_left


@contextlib.contextmanager
def _locked(folder: Path, name: str) -> Iterator[bool]:
    """Lock the lock files that exist, briefly; yield whether nobody else holds one."""
    opened = []
    try:
        for path in (folder / (name + end) for end in _LOCKS):
            if not path.exists():
                continue
            descriptor = os.open(path, os.O_RDWR)
            opened.append(descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held, gone meanwhile, or another user's
        yield False
    else:
        yield True
    finally:
        for descriptor in opened:
            os.close(descriptor)


if __name__ == "__main__":
    files, used = remove_leftovers()
    if files:
        print(f"removed {files} files of dead processes from {_FOLDER}, {used / 1e6:.1f} MB")
