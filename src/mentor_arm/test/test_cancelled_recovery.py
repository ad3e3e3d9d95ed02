"""A recovery that is cancelled ends at once, over FCI and over franka_ros2's action."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from action_msgs.msg import GoalStatus
from controllers import Controllers, wait_for
from task_node import TASK, task_node

from mentor_arm.backends.background_call import BackgroundCall
from mentor_arm.backends.fci import FciDriver
from mentor_common.cell.cell_file import Cell
from mentor_common.node.remote_action import Cancelled
from mentor_msgs.action import MoveTo, Recover

LATE = 60.0
SOON = 0.2  # seconds from asking to cancel until the goal's end
ADDRESS = "127.77.15.4"


def cancel(handle: Any, within: float) -> None:
    """Cancel a goal; it ends as cancelled in so many seconds."""
    result = handle.get_result_async()
    time.sleep(0.3)
    assert not result.done(), result.result()
    began = time.monotonic()
    handle.cancel_goal_async()
    wait_for(result, LATE)
    assert time.monotonic() - began < within, result.result().result.message
    assert result.result().status == GoalStatus.STATUS_CANCELED
    assert "cancelled" in result.result().result.message


@pytest.fixture
def cell() -> Iterator[Controllers]:
    cell = Controllers()
    try:
        yield cell
    finally:
        cell.close()


@pytest.fixture
def silent_box(tmp_path: Path) -> Iterator[Path]:
    """The cell file of a control box that takes connections and never answers."""
    with socket.create_server((ADDRESS, 1337)):
        file = tmp_path / "cell.yaml"
        file.write_text(f"name: silent\nrobot: {{address: {ADDRESS}, realtime: ignore}}\n")
        yield file


@pytest.mark.real_time
def test_over_fci_a_recovery_that_waits_for_the_box_is_cancelled(
    cell: Controllers, silent_box: Path
) -> None:
    with task_node("mentor_arm.nodes.arm_node", backend="fci", cell_file=silent_box):
        cancel(cell.send(Recover.Goal()), within=LATE)  # the node is still starting
        for _ in range(4):  # before the goal has begun, and after: the box is dialled for 4 s
            time.sleep(1.0)
            cancel(cell.send(Recover.Goal()), within=SOON)


@pytest.mark.real_time
def test_over_ros2_control_a_cancelled_recovery_cancels_that_of_franka_ros2(
    cell: Controllers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}")
    with task_node("arm_node_of_franka_ros2", backend="ros2_control", armed=True):
        move = cell.send(MoveTo.Goal(target=[0.5, 0.5], speed=1.0)).get_result_async()
        wait_for(move, LATE)
        assert "pose not reached" in move.result().result.message
        handle = cell.send(Recover.Goal())
        assert cell.recovering.wait(LATE), "nobody asks the robot to recover"
        cancel(handle, within=SOON)
        assert cell.cancelled.wait(LATE), "the robot goes on recovering"
        cell.behind = 5
        assert cell.wait(
            lambda: any("age of the controllers' poses is 5" in said for _, said in cell.reports),
            LATE,
        )


class BusyRobot:
    """A robot whose error recovery lasts until it is let go."""

    is_in_control = True
    state = None

    def __init__(self) -> None:
        self.let_go, self.recoveries = threading.Event(), 0

    def recover_from_errors(self) -> bool:
        self.recoveries += 1
        return self.let_go.wait(LATE)


def after(polls: int) -> Callable[[], bool]:
    """Return a check that is True from so many polls on."""
    left = iter([False] * polls)
    return lambda: next(left, True)


def test_a_robot_that_recovers_for_long_is_waited_for_no_longer_and_never_asked_twice() -> None:
    driver, robot = FciDriver(Cell().robot, TASK.arm), BusyRobot()
    driver._robot, driver.fault = robot, "reflex"
    for _ in range(2):
        with pytest.raises(Cancelled):
            driver.recover(LATE, after(2))
    assert driver.fault == "reflex" and robot.recoveries == 1
    driver._controller = lambda robot, state: "controller"  # type: ignore[method-assign]
    driver._keep = lambda state: None  # type: ignore[method-assign]
    robot.let_go.set()
    driver.recover(LATE)
    assert driver._tracker == "controller" and not driver.fault and robot.recoveries == 1


def test_what_a_call_raises_reaches_whoever_waits_for_it_later() -> None:
    call, fail = BackgroundCall("call"), threading.Event()

    def work() -> None:
        fail.wait(LATE)
        raise OSError("broken")

    with pytest.raises(TimeoutError, match=r"call: no answer for 0\.05 s"):
        call.result(work, 0.05, lambda: False)
    fail.set()
    with pytest.raises(OSError, match="broken"):
        call.result(work, LATE, lambda: False)
