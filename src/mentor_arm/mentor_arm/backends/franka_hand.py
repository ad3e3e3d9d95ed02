"""The Franka Hand over FCI: one command after the other, each with a limit of time."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import Any

from mentor_arm.backends.background_call import BackgroundCall
from mentor_common.arm.backend import GripperCommand, GripperFailed, GripperState
from mentor_common.node.remote_action import Cancelled

SPEED, FORCE, TIMEOUT = 0.05, 20.0, 10.0
"""Where a command names none: metres per second, newtons, seconds of wall time."""
TOLERANCE = 0.005
"""Metres by which a grasped object may be narrower or wider."""
WIDEST = 0.08
"""Greatest distance of the fingers, metres."""
POLL = 0.05  # seconds between two checks whether a command is done, cancelled or too late


class FrankaHand:
    """The hand of a robot; it connects when the first command comes, on a connection of its own.

    Args:
        franky: the library.
        address: address of the control box.
        what: returns an error of the library as text.
    """

    def __init__(self, franky: Any, address: str, what: Callable[[Exception], str]) -> None:
        self._franky, self._address, self._what = franky, address, what
        self._hand: Any = None
        self._connecting = BackgroundCall("connect to the gripper")

    def drop(self) -> None:
        """Forget the connection: the next command makes a new one."""
        self._hand = None

    def carry_out(self, command: GripperCommand) -> GripperState:
        """Carry out a command.

        Raises:
            GripperFailed: it was refused, cancelled, took too long, or nothing of that width is
                held.
        """
        if command.width > WIDEST:
            raise GripperFailed(f"width {command.width:g} m, at most {WIDEST:g} m")
        until = time.monotonic() + (command.timeout or TIMEOUT)
        try:
            self._connect(command, until)
            return self._run(command, until)
        except GripperFailed:
            raise
        except self._franky.CommandException as error:
            raise GripperFailed(self._what(error)) from error  # the connection is as good as before
        except Exception as error:  # franky's exceptions share no base
            # The control box takes one client at a time: nothing may hold the lost connection.
            traceback.clear_frames(error.__traceback__)
            self.drop()
            raise GripperFailed(self._what(error)) from error

    def _connect(self, command: GripperCommand, until: float) -> None:
        """Connect if need be; franky waits for ever for a hand that another client holds."""
        if self._hand is not None:
            return
        left = max(0.0, until - time.monotonic())
        try:
            self._hand = self._connecting.result(
                lambda: self._franky.Gripper(self._address), left, command.cancelled
            )
        except Cancelled:
            raise GripperFailed(f"{command.command} was cancelled") from None
        except TimeoutError:
            raise GripperFailed(
                f"the gripper at {self._address} does not answer for {left:.3g} s; is another "
                "client connected to it?"
            ) from None

    def _run(self, command: GripperCommand, until: float) -> GripperState:
        hand, name = self._hand, command.command
        future = self._begin(hand, command)
        while not future.wait(POLL):
            if command.cancelled():
                hand.stop()
                raise GripperFailed(f"{name} was cancelled")
            if time.monotonic() > until:
                hand.stop()
                raise GripperFailed(f"{name} took longer than {command.timeout or TIMEOUT:g} s")
            command.moving(float(hand.state.width))
        done, state = future.get(), hand.state
        width = float(state.width)
        if not done:
            raise GripperFailed(f"{name} failed: the fingers stand at {width:.4f} m", width)
        return GripperState(width, bool(state.is_grasped))

    def _begin(self, hand: Any, command: GripperCommand) -> Any:
        speed = command.speed or SPEED
        if command.command == "homing":
            return hand.homing_async()
        if command.command == "grasp":
            force = command.force or FORCE
            return hand.grasp_async(command.width, speed, force, TOLERANCE, TOLERANCE)
        return hand.move_async(command.width or WIDEST, speed)
