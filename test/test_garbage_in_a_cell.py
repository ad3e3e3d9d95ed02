"""Garbage on every topic, service and action of a whole cell ends none of its nodes.

Some of it is well formed, and so believed (docs/security.md): whether the agent's steps go on
meanwhile is not asked here.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from asking import answer
from fake_peer import FakePeer
from garbage import send_garbage
from lifecycle_msgs.srv import GetState
from node_process import LATE, nodes_of
from random_cell import RandomCell

NODES = ("/twin", "/stacker", "/reward", "/reset", "/policy")
MESSAGES = 300
"""Messages for each topic, service and action that a node receives."""


@pytest.mark.soak
def test_garbage_on_everything_ends_no_node_and_all_answer(tmp_path: Path) -> None:
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
        for node in NODES:
            client = rogue.node.create_client(GetState, f"{node}/get_state")
            assert client.wait_for_service(LATE), node
            asked = lambda future, seconds: rogue.wait(future.done, seconds)  # noqa: E731
            answer(lambda client=client: client.call_async(GetState.Request()), asked)
    finally:
        rogue.close()
        cell.close()
