"""Message definitions and type hashes, as rosbag2 puts them beside the messages of a bag.

Both come from the share folders of the message packages, so that no type has to be imported.
"""

from __future__ import annotations

import importlib
import json
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

_SEPARATOR = "=" * 80
_FIELD = re.compile(r"^\s*(?P<type>[A-Za-z][A-Za-z0-9_/]*)(?:<=\d+)?(?:\[[^\]]*\])?\s+[A-Za-z]")
_PRIMITIVES = {"bool", "byte", "char", "string", "wstring", "float32", "float64"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}


class UnknownTypeError(ValueError):
    """A message type whose definition lies in no share folder."""


@dataclass(frozen=True)
class Definition:
    """What a bag holds about a message type.

    Args:
        name: e.g. ``mentor_msgs/msg/Observation``.
        text: the .msg file, and behind it those of all types that it refers to (``ros2msg``).
        hash: the type hash (RIHS01); empty where the package was built without it.
    """

    name: str
    text: str
    hash: str


def type_name(message_type: type) -> str:
    """Return the full name of an imported message class, e.g. ``std_msgs/msg/String``."""
    package = message_type.__module__.split(".", maxsplit=1)[0]
    return f"{package}/msg/{message_type.__name__}"


def message_class(name: str) -> Any:
    """Return the class of a message type, e.g. of ``std_msgs/msg/String``.

    Raises:
        UnknownTypeError: no package that can be imported has it.
    """
    try:
        package, kind, short = name.split("/")
        return getattr(importlib.import_module(f"{package}.{kind}"), short)
    except (ImportError, AttributeError, ValueError) as error:
        raise UnknownTypeError(
            f"the type {name} cannot be imported ({error}); source the workspace that has it"
        ) from None


@lru_cache(maxsize=256)
def definition_of(name: str) -> Definition:
    """Return the definition of a type from the sourced workspaces.

    Raises:
        UnknownTypeError: the name is no message's, or no sourced workspace has it.
    """
    parts = name.split("/")
    if len(parts) != 3 or parts[1] != "msg":
        raise UnknownTypeError(f"'{name}' is no message type; one looks like std_msgs/msg/String")
    text = _file(name, "msg").read_text()
    pieces = [text]
    for other in _references(name, text, {name}):
        pieces.append(f"{_SEPARATOR}\nMSG: {_short(other)}\n{_file(other, 'msg').read_text()}")
    return Definition(name, "\n".join(piece.rstrip("\n") for piece in pieces) + "\n", _hash(name))


def _references(name: str, text: str, known: set[str]) -> list[str]:
    """Return the types that a definition refers to, each once, in order of first use."""
    found: list[str] = []
    for line in text.splitlines():
        match = _FIELD.match(line.split("#", maxsplit=1)[0])
        if match is None or match["type"] in _PRIMITIVES:
            continue
        other = _full(match["type"], name.split("/", maxsplit=1)[0])
        if other in known:
            continue
        known.add(other)
        found.append(other)
        found += _references(other, _file(other, "msg").read_text(), known)
    return found


def _full(field_type: str, package: str) -> str:
    if "/" in field_type:
        owner, short = field_type.split("/")[0], field_type.split("/")[-1]
        return f"{owner}/msg/{short}"
    return f"{'std_msgs' if field_type == 'Header' else package}/msg/{field_type}"


def _short(name: str) -> str:
    package, _, short = name.split("/")
    return f"{package}/{short}"


def _hash(name: str) -> str:
    try:
        hashes = json.loads(_file(name, "json").read_text())["type_hashes"]
    except (UnknownTypeError, ValueError, KeyError):
        return ""  # distributions before Iron have none
    for entry in hashes:
        if entry["type_name"] == name:
            return str(entry["hash_string"])
    return ""


def _file(name: str, ending: str) -> Path:
    package, _, short = name.split("/")
    prefixes = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    for prefix in prefixes:
        path = Path(prefix) / "share" / package / "msg" / f"{short}.{ending}"
        if path.is_file():
            return path
    raise UnknownTypeError(
        f"the definition of {name} is not to be found: no share/{package}/msg/{short}.{ending} in "
        f"{prefixes or 'AMENT_PREFIX_PATH, which is empty'}; source the workspace that has it"
    )
