"""The reset node taken through its lifecycle while it works, and a pose that is none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from asking import answer
from fake_arm import FakeArm
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from task_node import task_node


class Arm(FakeArm):
    """Takes the reset node from one state to another, too."""

    def __init__(self) -> None:
        super().__init__()
        self.states_client = self.node.create_client(ChangeState, "reset/change_state")
        self.reports = self.record_diagnostics("reset")

    def change(self, transition: int) -> bool:
        """Take the node to another state; return whether it went."""
        assert self.states_client.wait_for_service(60.0)
        request = ChangeState.Request(transition=Transition(id=transition))

        def wait(future: Any, seconds: float) -> None:
            done = threading.Event()
            future.add_done_callback(lambda _: done.set())
            done.wait(seconds)

        return bool(answer(lambda: self.states_client.call_async(request), wait).success)

    def reports_soon(self, level: int, text: str) -> bool:
        """Return whether a report of this level with this text comes."""
        self.reports.clear()
        return self.wait(lambda: any(a == level and text in b for a, b in self.reports), 20.0)


@pytest.fixture(scope="module")
def shared() -> Iterator[Arm]:
    arm = Arm()
    try:
        with task_node("mentor_reset.nodes.reset_node", observation_timeout=10.0):
            yield arm
    finally:
        arm.close()


@pytest.fixture
def arm(shared: Arm) -> Arm:
    shared.forget()
    return shared


def test_a_node_that_is_deactivated_in_a_move_stops_the_arm_and_resets_again_later(
    arm: Arm,
) -> None:
    assert arm.reset().result.success
    arm.forget()
    arm.slow = lambda goal: 120.0
    ended: list[Any] = []
    caller = threading.Thread(target=lambda: ended.append(arm.reset()))
    caller.start()
    assert arm.wait(lambda: bool(arm.goals), 60.0)
    assert arm.change(Transition.TRANSITION_DEACTIVATE)
    caller.join(60.0)
    assert not ended[0].result.success and "cancelled" in ended[0].result.message
    assert arm.wait(lambda: arm.cancelled == 1, 30.0)
    assert arm.change(Transition.TRANSITION_ACTIVATE)
    arm.forget()
    assert arm.reset().result.success


def test_a_node_that_is_activated_again_reports_no_failure_of_earlier(arm: Arm) -> None:
    arm.answer = lambda goal: "in fault"
    arm.recovery = lambda: "stuck"
    assert not arm.reset().result.success
    assert arm.reports_soon(2, "reset failed: stage 'release_tension': in fault")
    assert arm.change(Transition.TRANSITION_DEACTIVATE)
    assert arm.change(Transition.TRANSITION_ACTIVATE)
    assert arm.reports_soon(0, "OK")


def test_a_pose_that_is_not_finite_is_not_taken_for_an_arm_that_stands_still(arm: Arm) -> None:
    arm.lost = True
    for transition in (
        Transition.TRANSITION_DEACTIVATE,
        Transition.TRANSITION_CLEANUP,
        Transition.TRANSITION_CONFIGURE,
        Transition.TRANSITION_ACTIVATE,
    ):
        assert arm.change(transition)
    message = arm.reset(timeout=4.0).result.message
    assert "stage 'wait_until_still': no pose of the arm" in message
    arm.lost = False
    assert arm.reset().result.success
