"""The folders of a run's checkpoints: put in place at once, pruned whole, tidied after a kill.

``000012000`` is a checkpoint. What has another name is none: ``.new-*`` is being written,
``.old-*`` is the checkpoint of a step that is being replaced, ``.gone-*`` is being removed.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def folders(parent: Path) -> list[Path]:
    """Return the checkpoints in a run's folder of checkpoints, oldest first."""
    if not parent.is_dir():
        return []
    return sorted(path for path in parent.iterdir() if path.is_dir() and path.name.isdigit())


def put_in_place(temporary: Path, final: Path) -> Path:
    """Give a finished checkpoint its name, in place of one of the same step.

    Raises:
        OSError: the folder cannot be written; an older checkpoint of the step is as it was.
    """
    _sync_folder(temporary)
    old = final.with_name(f".old-{final.name}")
    if final.exists():  # the same step once more, with further updates
        shutil.rmtree(old, ignore_errors=True)
        final.rename(old)
    temporary.rename(final)
    _sync_folder(final.parent)
    shutil.rmtree(old, ignore_errors=True)
    return final


def prune(parent: Path, keep: int) -> None:
    """Remove all checkpoints but the newest ``keep``; each is gone before its files are."""
    for folder in folders(parent)[:-keep]:
        gone = folder.with_name(f".gone-{folder.name}")
        try:
            folder.rename(gone)
        except OSError:  # a read-only folder keeps its checkpoints
            continue
        shutil.rmtree(gone, ignore_errors=True)


def tidy(parent: Path) -> None:
    """Remove what a process that was killed has left half-written; bring back what it replaced."""
    if not parent.is_dir():
        return
    for path in parent.iterdir():
        kind, dash, name = path.name.partition("-")
        if kind == ".old" and name.isdigit() and not (parent / name).exists():
            path.rename(parent / name)
        elif dash and kind in (".new", ".old", ".gone"):
            shutil.rmtree(path, ignore_errors=True)
    shutil.rmtree(parent / ".members", ignore_errors=True)  # of older releases


def _sync_folder(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
