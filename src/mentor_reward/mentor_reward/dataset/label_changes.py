"""Changes of labels.csv by several processes: a page, imports, a collection from a twin."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mentor_reward.dataset.labelled_images import (
    LABELS,
    LabelledImage,
    read_labels,
    write_labels,
)


def known_labels(folder: str | Path) -> list[LabelledImage]:
    """Read labels.csv; no images if it is not there. Raises: ValueError, as read_labels does."""
    return read_labels(folder) if (Path(folder) / LABELS).exists() else []


def change_labels(
    folder: str | Path, change: Callable[[list[LabelledImage]], Iterable[LabelledImage]]
) -> None:
    """Change labels.csv while no other process or thread does.

    Args:
        folder: folder of labelled images; it exists.
        change: takes the images that are listed and returns those to list. Whatever it raises
            leaves the file as it is.

    Raises:
        ValueError: a line of the file is wrong.
    """
    with _locked(folder):
        write_labels(folder, change(known_labels(folder)))


@contextmanager
def _locked(folder: str | Path) -> Iterator[None]:
    """Hold a lock of the folder, which ends with the process at the latest."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
