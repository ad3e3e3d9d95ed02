"""What a routine saved, on disk: kept when the reset node is killed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mentor_common.files.atomic import write_atomically


class SavedState:
    """JSON values in a file that is either the old one or the new one, never half of both.

    Args:
        path: path of the file; its folder is made when something is saved.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def file(self) -> str:
        """Path of the file."""
        return str(self._path)

    def load(self) -> dict[str, Any]:
        """Return what was saved last; empty if nothing ever was.

        Raises:
            ValueError: the file is no JSON object; names it and what to do.
        """
        try:
            state = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise ValueError(refusal(self.file, str(error))) from error
        if not isinstance(state, dict):
            raise ValueError(refusal(self.file, "it is no JSON object"))
        return state

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace what is saved; on return it is on the disk."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path, json.dumps(dict(state)).encode())


def refusal(file: str, why: str) -> str:
    """Return the message of the error that refuses a saved state.

    Args:
        file: path of its file.
        why: what is wrong with it.
    """
    return (
        f"saved state of the reset routine, {file}: cannot be read: {why}; bring the "
        "cell to the state of a first start and delete the file"
    )
