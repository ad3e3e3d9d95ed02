"""The Franka Hand over FCI: what ends a command, and what is left of the connection."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from mentor_arm.backends.franka_hand import FrankaHand
from mentor_common.arm.backend import GripperCommand, GripperFailed


class CommandError(Exception):
    """The hand could not do it."""


class Hand:
    """Fingers that never get there, or fail as they are told to."""

    def __init__(self) -> None:
        self.stopped = 0
        self.failure: Exception | None = None
        self.state = SimpleNamespace(width=0.05, is_grasped=False)

    def grasp_async(self, *arguments: float) -> Hand:
        return self

    def wait(self, seconds: float) -> bool:
        time.sleep(0.0 if self.failure else min(seconds, 1.0))
        return self.failure is not None

    def get(self) -> bool:
        assert self.failure is not None
        raise self.failure

    def stop(self) -> None:
        self.stopped += 1


class Library:
    """Counts the connections to a hand; ``silent``: nobody answers."""

    CommandException = CommandError

    def __init__(self) -> None:
        self.hand, self.connections, self.silent = Hand(), 0, False

    def Gripper(self, address: str) -> Any:  # noqa: N802
        self.connections += 1
        time.sleep(5.0 if self.silent else 0.0)
        return self.hand


@pytest.fixture
def franky() -> Library:
    return Library()


def hand_of(franky: Library) -> FrankaHand:
    return FrankaHand(franky, "172.16.0.2", str)


def test_a_cancelled_grasp_stops_the_fingers_and_their_width_is_reported_before(
    franky: Library,
) -> None:
    polls = iter([False, False, True])
    widths: list[float] = []
    command = GripperCommand("grasp", 0.02, cancelled=lambda: next(polls), moving=widths.append)
    hand = hand_of(franky)
    hand._hand = franky.hand
    with pytest.raises(GripperFailed, match="grasp was cancelled"):
        hand.carry_out(command)
    assert franky.hand.stopped == 1
    assert widths == [0.05, 0.05]


def test_a_grasp_that_takes_too_long_stops_the_fingers(franky: Library) -> None:
    with pytest.raises(GripperFailed, match=r"grasp took longer than 0\.3 s"):
        hand_of(franky).carry_out(GripperCommand("grasp", 0.02, timeout=0.3))
    assert franky.hand.stopped == 1


@pytest.mark.parametrize(("error", "connections"), [(CommandError, 1), (OSError, 2)])
def test_a_command_that_fails_keeps_the_connection_and_a_lost_one_is_made_anew(
    franky: Library, error: type[Exception], connections: int
) -> None:
    """The control box lets nobody else in while a connection is held."""
    hand = hand_of(franky)
    franky.hand.failure = error("Command failed!")
    for _ in range(2):
        with pytest.raises(GripperFailed, match="Command failed!"):
            hand.carry_out(GripperCommand("grasp", 0.02))
    assert franky.connections == connections


def test_a_hand_that_does_not_answer_fails_the_command_in_time(franky: Library) -> None:
    franky.silent = True
    with pytest.raises(GripperFailed, match=r"172\.16\.0\.2 does not answer for 0\.\d+ s"):
        hand_of(franky).carry_out(GripperCommand("grasp", 0.02, timeout=0.2))
