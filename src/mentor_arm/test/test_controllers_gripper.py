"""The gripper behind franka_ros2: what its feedback says is what the fingers did."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from mentor_arm.backends.ros2_control import Ros2ControlDriver
from mentor_common.arm.backend import GripperCommand, GripperFailed
from mentor_common.cell.cell_file import ControllerCell


class Hand:
    """An action of franka_gripper, whose messages cannot be installed from here."""

    def __init__(self, widths: Sequence[float], success: bool, error: str = "") -> None:
        self._widths, self._result = widths, SimpleNamespace(success=success, error=error)

    def call(self, goal: Any, timeout: float, *, cancelled: Any, on_feedback: Any) -> Any:
        for width in self._widths:
            on_feedback(SimpleNamespace(current_width=width))
        return self._result


def driver_of(hand: Hand, gripper: str = "franka_gripper") -> Ros2ControlDriver:
    driver = Ros2ControlDriver.__new__(Ros2ControlDriver)
    driver._names = ControllerCell(gripper=gripper)
    driver._hands = dict.fromkeys(("homing", "grasp", "move"), hand)
    driver._gripper_goal = lambda name, command: None  # type: ignore[method-assign, assignment]
    return driver


@pytest.mark.parametrize(
    ("hand", "width"),
    [
        (Hand([0.06, 0.031], False), 0.031),
        (Hand([], False), math.nan),
        (Hand([0.06], False, "communication lost"), math.nan),
    ],
)
def test_a_failed_grasp_has_the_width_of_the_last_feedback(hand: Hand, width: float) -> None:
    with pytest.raises(GripperFailed) as failed:
        driver_of(hand).gripper(GripperCommand("grasp", 0.02, 20.0, 0.05, 1.0))
    assert failed.value.width == pytest.approx(width, nan_ok=True)


def test_open_fingers_have_the_width_that_they_reached() -> None:
    widths: list[float] = []
    command = GripperCommand("release", 0.0, 0.0, 0.0, 1.0, moving=widths.append)
    state = driver_of(Hand([0.03, 0.079], True)).gripper(command)
    assert state.width == 0.079 and not state.grasped and widths == [0.03, 0.079]


@pytest.mark.parametrize(
    ("gripper", "width", "said"),
    [("", 0.02, "controllers.gripper of the cell file is empty"), ("g", 0.2, "at most 0.08 m")],
)
def test_what_the_gripper_cannot_do_is_refused(gripper: str, width: float, said: str) -> None:
    with pytest.raises(GripperFailed, match=said):
        driver_of(Hand([], True), gripper).gripper(GripperCommand("grasp", width, 20.0, 0.05, 1.0))
