"""What a routine saved, on disk: kept when the reset node is killed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class SavedState:
    """JSON values in a file that is either the old one or the new one, never half of both.

    Args:
        path: of the file; its folder is made when something is saved.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

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
            raise ValueError(self._refusal(str(error))) from error
        if not isinstance(state, dict):
            raise ValueError(self._refusal("it is no JSON object"))
        return state

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace what is saved; on return it is on the disk."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(f".{self._path.name}.new")
        with temporary.open("w", encoding="utf-8") as stream:
            json.dump(dict(state), stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(self._path)

    def _refusal(self, why: str) -> str:
        return (
            f"saved state of the reset routine, {self._path}: cannot be read: {why}; bring the "
            "cell to the state of a first start and delete the file"
        )
