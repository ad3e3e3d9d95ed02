"""A type of argparse's options: a file that can be written, checked before any work is done."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path


def output_file(text: str) -> Path:
    """Return the path of a file that is to be written; its folder is made.

    Raises:
        argparse.ArgumentTypeError: the path is a folder, or its folder cannot be written.
    """
    path = Path(text)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Permissions alone do not tell: root has all of them, in /proc too.
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise argparse.ArgumentTypeError(
            f"{text}: folder {path.parent} cannot be written ({error.strerror}); choose another"
        ) from error
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a folder; name a file in it")
    return path
