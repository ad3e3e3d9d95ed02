"""The Franka Hand over FCI: a command that is cancelled stops the fingers."""

from __future__ import annotations

import time

import pytest

from mentor_arm.backends.fci import FciDriver
from mentor_common.arm.backend import GripperCommand, GripperFailed
from mentor_common.cell.cell_file import Cell
from mentor_common.tasks.task import find_task


class SlowHand:
    """Fingers that never get there."""

    stopped = 0

    def grasp_async(self, *arguments: float) -> SlowHand:
        return self

    def wait(self, seconds: float) -> bool:
        time.sleep(min(seconds, 1.0))
        return False

    def stop(self) -> None:
        self.stopped += 1


def test_a_cancelled_grasp_stops_the_fingers_at_the_next_poll() -> None:
    driver, hand = FciDriver(Cell().robot, find_task("cable_routing").arm), SlowHand()
    driver._gripper = hand
    polls = iter([False, False, True])
    with pytest.raises(GripperFailed, match="grasp was cancelled"):
        driver.gripper(GripperCommand("grasp", 0.02, cancelled=lambda: next(polls)))
    assert hand.stopped == 1


def test_a_grasp_that_takes_too_long_stops_the_fingers() -> None:
    driver, hand = FciDriver(Cell().robot, find_task("cable_routing").arm), SlowHand()
    driver._gripper = hand
    with pytest.raises(GripperFailed, match=r"grasp took longer than 0\.1 s"):
        driver.gripper(GripperCommand("grasp", 0.02, timeout=0.1))
    assert hand.stopped == 1
