"""Cameras that are unplugged for rehearsal: a parameter of whichever node plays the cameras."""

from __future__ import annotations

from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import Param

UNPLUGGED = Param(
    "unplugged", "str", "",
    "names of cameras that are unplugged, for rehearsal, separated by commas",
)  # fmt: skip


def unplugged_cameras(node: CellNode) -> set[str]:
    """Return the names of the cameras that are unplugged at present."""
    return {name.strip() for name in node.text(UNPLUGGED.name).split(",")} - {""}
