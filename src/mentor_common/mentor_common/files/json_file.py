"""JSON files: written whole or not at all, read with limits to their size and kind."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from mentor_common.files.atomic import write_atomically

LARGEST = 64 << 20
"""Bytes of a JSON file at most."""


def write_json(path: Path, values: Any) -> None:
    """Write values as JSON, whole or not at all.

    Raises:
        OSError: the disk is full or read-only; the file is as it was.
    """
    write_atomically(path, (json.dumps(values, indent=2) + "\n").encode())


def read_file(path: Path, largest: int = LARGEST) -> bytes:
    """Read a regular file; a pipe or a device is refused, since reading it may never end.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no regular file, larger than ``largest`` bytes, or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise ValueError("it is no regular file")
    with os.fdopen(descriptor, "rb") as file:
        if status.st_size > largest:
            raise ValueError(f"it has {status.st_size} bytes, more than the {largest} allowed")
        return file.read()


def parse_json(text: bytes | str) -> Any:
    """Parse JSON of any origin.

    Raises:
        ValueError: it is no JSON, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("its brackets are nested too deeply") from None


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no regular file, too large, or no JSON.
    """
    return parse_json(read_file(path))
