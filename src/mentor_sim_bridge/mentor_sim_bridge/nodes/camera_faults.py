"""Faults of cameras, for rehearsal: parameters of whichever node plays the cameras."""

from __future__ import annotations

from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import Param

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
    return {name.strip() for name in node.text(parameter.name).split(",")} - {""}
