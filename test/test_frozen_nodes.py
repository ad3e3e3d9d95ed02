"""A node that stands still for longer than its lease finds its peers again, and they find it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from node_process import LATE, eventually, nodes_of

pytestmark = pytest.mark.real_time
NODES = ("policy_node", "twin_node", "stacker_node", "reward_node", "reset_node")
FREEZE = 5.0
"""Seconds: more than a lease, so that the others forget the node."""
RECOVERY = 15.0
"""Seconds after which steps flow again."""


class FrozenCell:
    """A cable cell in which an agent acts at random."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "log.txt"
        often = folder / "often.yaml"
        often.write_text("policy:\n  ros__parameters:\n    progress_period: 0.1\n")
        with self._log.open("w") as output:
            self.launch = subprocess.Popen(
                [
                    sys.executable, "-m", "mentor_bringup.runner", "mentor_bringup",
                    "cable_routing.launch.py", "agent:=random", f"params_file:={often}",
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
            )  # fmt: skip

    @property
    def output(self) -> str:
        return self._log.read_text()

    @property
    def progress(self) -> tuple[int, str]:
        """How often the agent has reported that it has gone on, and its last report."""
        found = re.findall(r"step (\d+): steps", self.output)
        return len(found), found[-1] if found else ""

    def goes_on(self, seconds: float) -> bool:
        """Return whether steps flow in time, of this process of the agent or of a new one."""
        count, step = self.progress
        changed = lambda: self.progress[0] > count and self.progress[1] != step  # noqa: E731
        return eventually(changed, seconds)

    def close(self) -> None:
        self.launch.send_signal(signal.SIGINT)
        self.launch.wait(60.0)


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrozenCell]:
    cell = FrozenCell(tmp_path_factory.mktemp("frozen"))
    assert cell.goes_on(LATE), cell.output
    yield cell
    cell.close()


@pytest.mark.soak
@pytest.mark.parametrize("name", NODES)
def test_after_a_freeze_steps_flow_again(cell: FrozenCell, name: str) -> None:
    process = nodes_of(cell.launch.pid)[name]
    os.kill(process, signal.SIGSTOP)
    time.sleep(FREEZE)
    os.kill(process, signal.SIGCONT)
    time.sleep(1.0)  # what was sent meanwhile is still worked off
    assert cell.goes_on(RECOVERY - 1.0), cell.output[-4000:]
    assert cell.launch.poll() is None
