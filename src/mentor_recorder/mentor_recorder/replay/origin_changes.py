"""What has changed between the making of a bag and now: commit, code, libraries, files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from mentor_common.bags.reader import Bag
from mentor_recorder.bags.summary import RECORD
from mentor_recorder.recording.origin import origin, sha256

NAMED = 8
"""Files that are named one by one."""
DATA = (".safetensors", ".yaml", ".json", ".npz")
"""Endings of files that decide what comes out, as code does, but that nobody reads as a change."""

TEXTS = (".yaml", ".json")
"""Those of which a bag has the ones that it depends on: task and cell files, another task's not."""


class OriginChanges(NamedTuple):
    """What has changed since a bag was made.

    Args:
        lines: a sentence for each change.
        data: whether a data file (weights, task, cell) is among them.
        code: files of the packages that are not as they were; None: the bag does not name them.
    """

    lines: list[str]
    data: bool
    code: list[str] | None


def origin_changes(bag: Bag) -> OriginChanges:
    """Compare the origin of a bag with this machine."""
    if RECORD not in bag.records:
        return OriginChanges(["the bag has no record of its origin"], False, None)
    now = {name: json.loads(text) for name, text in origin().items()}
    lines: list[str] = []
    for name in ("commit", "machine"):
        then = bag.record(RECORD, name)
        if then and then != now[name]:
            lines.append(f"{name}: recorded at {then}, replayed at {now[name]}")
    versions = bag.record(RECORD, "versions") or {}
    for name, value in versions.items():
        if name in now["versions"] and now["versions"][name] != value:
            lines.append(f"version of {name}: recorded {value}, here {now['versions'][name]}")
    then = bag.record(RECORD, "code") or {}
    code = _changed(then, now["code"])
    used = {Path(name).name for name in bag.record(RECORD, "files") or {}}
    data = [
        name for name in code
        if name.endswith(DATA) and (Path(name).name in used or not name.endswith(TEXTS))
    ]  # fmt: skip
    if code:
        lines.append(f"files that are not as they were: {named_files(code)}")
    files = _changed_files(bag)
    lines += files
    return OriginChanges(lines, bool(data or files), code if then else None)


def named_files(names: list[str]) -> str:
    """Return the first files of a list, data before code, and how many more there are."""
    shown = sorted(names, key=lambda name: (not name.endswith(DATA), name))[:NAMED]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(shown)}{more}"


def _changed(then: dict[str, str], now: dict[str, str]) -> list[str]:
    return sorted(name for name in {*then, *now} if then and then.get(name) != now.get(name))


def _changed_files(bag: Bag) -> list[str]:
    """Compare the files that parameters named, and the texts of task and cell."""
    lines = []
    inputs: dict[str, Any] = bag.record(RECORD, "inputs") or {}
    for name, digest in inputs.items():
        path = Path(name)
        if not path.is_file():
            lines.append(f"file {name}, which a parameter names, does not exist any more")
        elif sha256(path) != digest:
            lines.append(f"file {name}, which a parameter names, is not as it was")
    texts: dict[str, str] = bag.record(RECORD, "files") or {}
    for name, text in texts.items():
        path = Path(name)
        if name not in inputs and path.is_file() and path.read_text(errors="replace") != text:
            lines.append(f"file {name} is not as it was: {_first_line(text, path.read_text())}")
    return lines


def _first_line(then: str, now: str) -> str:
    for number, (old, new) in enumerate(
        zip(then.splitlines(), now.splitlines(), strict=False), start=1
    ):
        if old != new:
            return f"line {number} was '{old.strip()}', is '{new.strip()}'"
    return "it has become longer or shorter"
