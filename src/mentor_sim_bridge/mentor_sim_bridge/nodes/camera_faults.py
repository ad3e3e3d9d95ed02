"""Faults of cameras, for rehearsal: parameters of whichever node plays the cameras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import Param
from mentor_common.tasks.task import find_task
from mentor_common.tasks.yaml_fields import TaskError

UNPLUGGED = Param(
    "unplugged", "str", "",
    "names of cameras that are unplugged, for rehearsal, separated by commas",
)  # fmt: skip
SWAPPED = Param(
    "swapped", "str", "",
    "names of cameras in whose place is one with another serial number, separated by commas",
)  # fmt: skip
CUT = Param(
    "cut", "str", "",
    "names of cameras whose frames have half the height, separated by commas",
)  # fmt: skip


def cameras_in(node: CellNode, parameter: Param) -> set[str]:
    """Return the names of the cameras that a parameter lists at present."""
    return _names(node.text(parameter.name))


def unknown_cameras(values: Mapping[str, Any]) -> str | None:
    """Return which of a node's parameters name cameras that its task does not have, or None.

    Args:
        values: of all its parameters.
    """
    try:
        known = {camera.name for camera in find_task(values["task"]).cameras}
    except TaskError:
        return None  # configure says why
    for name in (UNPLUGGED.name, SWAPPED.name, CUT.name):
        if unknown := sorted(_names(values.get(name, "")) - known):
            return f"{name}: task {values['task']} has no camera {unknown}; it has {sorted(known)}"
    return None


def _names(text: str) -> set[str]:
    return {name.strip() for name in text.split(",")} - {""}
