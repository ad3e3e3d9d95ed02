"""What the checks of launch arguments share; they are made before any node is started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from launch import LaunchDescription
from launch_ros.actions import Node

SECTION = "section_of_params_file"
"""Attribute of a node action: name of the node, text or substitutions; None: it takes no file."""


def ask(module: str, *arguments: str) -> str:
    """Run a module that checks arguments, in a process: launch files import no other package.

    Args:
        module: exits with status 2 and one line for what it refuses; after any other status the
            arguments cannot be checked here, and the nodes do it.
        arguments: its command line.

    Returns:
        Why they cannot be checked here; empty: they are right.

    Raises:
        RuntimeError: it refuses them.
    """
    command = [sys.executable, "-m", module, *arguments]
    checked = subprocess.run(command, capture_output=True, text=True)
    if checked.returncode == 2:
        raise RuntimeError(checked.stderr.strip())
    last = (checked.stderr.strip().splitlines() or ["no reason given"])[-1]
    return last if checked.returncode else ""


def runs_with(kind: str) -> str:
    """Return what lies in runs/, for the end of an error.

    Args:
        kind: ``bags`` or ``checkpoints``.
    """
    command = [sys.executable, "-m", "mentor_common.files.found_runs", kind]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def check_json_object(name: str, value: str) -> None:
    """Refuse the value of a launch argument that is no JSON object. Raises: RuntimeError."""
    try:
        read = json.loads(value or "{}")
    except (ValueError, RecursionError) as error:
        reason = str(error)
    else:
        reason = "" if isinstance(read, dict) else f"it is {type(read).__name__}"
    if reason:
        raise RuntimeError(
            f"{name}:={value[:80]} is no JSON object: {reason}; in a shell write it in single "
            f'quotes, as in {name}:=\'{{"peg": "star"}}\''
        )


def is_writable(folder: str) -> bool:
    """Return whether files can be made in an existing folder, also where permissions tell nothing,
    as in /proc."""
    try:
        with tempfile.TemporaryDirectory(dir=folder):
            return os.path.isdir(folder)
    except OSError:
        return False


def is_complete(run: Path) -> bool:
    """Return whether a run's folder says that the run is complete."""
    try:
        return json.loads((run / "summary.json").read_text())["complete"] is True
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False


def nodes_in(entity: Any) -> Iterator[Any]:
    """Yield the nodes of a launch description and of all that it includes, as far as known."""
    if isinstance(entity, Node):
        yield entity
    inner = entity.entities if isinstance(entity, LaunchDescription) else entity.get_sub_entities()
    for each in inner:
        yield from nodes_in(each)


def sections_of(description: Any, context: Any) -> list[str] | None:
    """Return the full names of the nodes to which a params_file may give parameters, whatever their
    conditions; None: one is not made by :func:`mentor_bringup.description.node`, its name is not
    known.

    Args:
        description: the launch description that the user has named.
        context: of the launch.
    """
    nodes = list(nodes_in(description))
    if not all(hasattr(node, SECTION) for node in nodes):
        return None
    namespace = context.launch_configurations["namespace"].strip("/")
    names = set()
    for section in filter(None, (getattr(node, SECTION) for node in nodes)):
        texts = section if isinstance(section, (list, tuple)) else [section]
        name = "".join(
            each if isinstance(each, str) else context.perform_substitution(each) for each in texts
        )
        if not name.endswith("_"):  # as that of a camera that the cell has not
            names.add(f"/{namespace}/{name}".replace("//", "/"))
    return sorted(names)
