"""Garbage on every topic, service and action of a whole cell ends none of its nodes, nor its steps.

Some of it is well formed, and so believed (docs/security.md): it may cost the agent the step that
is under way and the episode, but the cell gets out of it by itself.
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
RECOVERY = 15.0
"""Seconds in which steps flow again: an action that is stamped by a clock of the garbage costs the
twin's patience of 2 s and a reset."""


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_garbage_on_everything_ends_no_node_and_steps_flow_again(tmp_path: Path) -> None:
    cell = RandomCell(tmp_path)
    rogue = FakePeer("rogue")
    rogue.begin()
    try:
        assert cell.goes_on(5 * LATE), cell.output
        before = nodes_of(cell.launch.pid)
        assert len(before) == len(NODES)
        for node in NODES:
            assert send_garbage(rogue.node, node, MESSAGES) > 10 * MESSAGES
            assert cell.launch.poll() is None, cell.output[-4000:]
            assert nodes_of(cell.launch.pid) == before, f"garbage for {node}"
            for _ in range(2):  # the first may be a step that was under way
                assert cell.goes_on(RECOVERY), f"garbage for {node}: {cell.output[-8000:]}"
        for node in NODES:
            client = rogue.node.create_client(GetState, f"{node}/get_state")
            assert client.wait_for_service(LATE), node
            asked = lambda future, seconds: rogue.wait(future.done, seconds)  # noqa: E731
            answer(lambda client=client: client.call_async(GetState.Request()), asked)
    finally:
        rogue.close()
        cell.close()
