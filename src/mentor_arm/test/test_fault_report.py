"""The line about a fault names what ends it: `recover`, the next attempt, or a person."""

from __future__ import annotations

import platform
import re
import socket
from pathlib import Path

import pytest
from asking import answer
from controllers import Controllers, wait_for
from std_srvs.srv import Trigger
from task_node import TASK, task_node

from mentor_arm.backends.driver import DriverError
from mentor_arm.backends.fci import FciDriver
from mentor_arm.check import FCI_PORT
from mentor_common.cell.cell_file import RobotCell
from mentor_msgs.action import MoveTo, Recover

LATE = 60.0
ADDRESS = "127.77.15.2"


def reported(cell: Controllers, words: str) -> str:
    """Wait for a fault in the diagnostics; return its clause and the one after it."""
    found: list[str] = []

    def seen() -> bool:
        texts = (text for _, text in list(cell.reports))
        matches = (re.search(rf"fault: [^;]*{words}[^;]*(; [^;]*)?", text) for text in texts)
        found[:] = [match.group(0) for match in matches if match]
        return bool(found)

    assert cell.wait(seen, LATE), cell.reports[-1]
    return found[-1]


def outcome(cell: Controllers) -> str:
    """Recover the arm and send it somewhere; return why it did not get there."""
    wait_for(cell.send(Recover.Goal()).get_result_async(), LATE)
    result = cell.send(MoveTo.Goal(target=[0.5, 0.5], speed=1.0)).get_result_async()
    wait_for(result, LATE)
    return str(result.result().result.message)


@pytest.mark.real_time
def test_each_kind_of_fault_has_the_end_that_ends_it(tmp_path: Path) -> None:
    (tmp_path / "cell.yaml").write_text('name: a\ncontrollers: {error_recovery: ""}\n')
    given = {"backend": "ros2_control", "cell_file": tmp_path / "cell.yaml", "armed": True}
    cell = Controllers()
    try:
        with task_node("mentor_arm.nodes.arm_node", **given, diagnostics_period=0.2):
            # These controllers stand still, wherever the arm is sent.
            assert cell.wait(lambda: "pose not reached" in outcome(cell), LATE)
            assert "; the action recover ends it" in reported(cell, "pose not reached")
            wait_for(cell.send(Recover.Goal()).get_result_async(), LATE)
            cell.silent = True
            silent = reported(cell, "the arm's pose on /current_pose")
            assert "; retrying every 1 s" in silent and "recover" not in silent
            hold = cell.node.create_client(Trigger, "hold")
            answer(lambda: hold.call_async(Trigger.Request()), wait_for)
            held = reported(cell, "held by a person")
            assert "arm it to continue (service armed)" in held
            assert "recover" not in held and "retrying" not in held
    finally:
        cell.close()


@pytest.mark.skipif("PREEMPT_RT" in platform.version(), reason="this kernel is a real-time one")
def test_a_kernel_that_is_not_real_time_is_named_with_both_ways_out() -> None:
    driver = FciDriver(RobotCell(address=ADDRESS, realtime="enforce"), TASK.arm)
    with socket.create_server((ADDRESS, FCI_PORT)), pytest.raises(DriverError) as refused:
        driver.dial()
    assert str(refused.value) == (
        f"the robot at {ADDRESS} is not connected: this kernel has no PREEMPT_RT; install one, or "
        "set robot.realtime to ignore in the cell file"
    )
