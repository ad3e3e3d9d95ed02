"""A node that stands still for longer than its lease finds its peers again, and they find it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
from node_process import LATE, nodes_of
from random_cell import RandomCell

pytestmark = pytest.mark.real_time
NODES = ("policy_node", "twin_node", "stacker_node", "reward_node", "reset_node")
FREEZE = 5.0
"""Seconds: more than a lease, so that the others forget the node."""
RECOVERY = 15.0
"""Seconds after which steps flow again."""


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RandomCell]:
    cell = RandomCell(tmp_path_factory.mktemp("frozen"))
    assert cell.goes_on(LATE), cell.output
    yield cell
    cell.close()


@pytest.mark.soak
@pytest.mark.parametrize("name", NODES)
def test_after_a_freeze_steps_flow_again(cell: RandomCell, name: str) -> None:
    process = nodes_of(cell.launch.pid)[name]
    os.kill(process, signal.SIGSTOP)
    time.sleep(FREEZE)
    os.kill(process, signal.SIGCONT)
    time.sleep(1.0)  # what was sent meanwhile is still worked off
    assert cell.goes_on(RECOVERY - 1.0), cell.output[-4000:]
    assert cell.launch.poll() is None
