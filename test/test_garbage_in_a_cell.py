"""Garbage on every topic, service and action of a whole cell ends none of its nodes."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_peer import FakePeer
from garbage import send_garbage
from node_process import LATE, nodes_of
from random_cell import RandomCell

NODES = ("/twin", "/stacker", "/reward", "/reset", "/policy")
MESSAGES = 150
"""Messages for each topic, service and action that a node receives."""


@pytest.mark.soak
def test_garbage_on_everything_ends_no_node_and_steps_flow_on(tmp_path: Path) -> None:
    cell = RandomCell(tmp_path)
    rogue = FakePeer("rogue")
    rogue.begin()
    try:
        assert cell.goes_on(LATE), cell.output
        before = nodes_of(cell.launch.pid)
        assert len(before) == len(NODES)
        for node in NODES:
            assert send_garbage(rogue.node, node, MESSAGES) > 10 * MESSAGES
            assert cell.launch.poll() is None, cell.output[-4000:]
            assert nodes_of(cell.launch.pid) == before, f"garbage for {node}"
        assert cell.goes_on(LATE), cell.output[-4000:]
    finally:
        rogue.close()
        cell.close()
