"""Running a node that only records or shows: what the cell does goes before it."""

from __future__ import annotations

from collections.abc import Callable

from mentor_common.node.cell_node import CellNode
from mentor_common.node.running import main

NICENESS = 5
"""Where processors are scarce, such a node gets a third of the share of any other."""


def run_node(make_node: Callable[[], CellNode]) -> None:
    """Run a node to its end, then end the process."""
    main(make_node, NICENESS)
