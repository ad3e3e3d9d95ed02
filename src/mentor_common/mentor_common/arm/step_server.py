"""Episodes, actions and moves of one arm, one at a time; without ROS.

A *move* brings the end effector straight to a place; a *movement* (`MOVEMENTS`) is a manoeuvre with
a name, done before one. Times are those of the backend, in nanoseconds of the node's clock.

A fault of the arm refuses an action by its status (CommandStatus.IN_FAULT) and ends a move with
MoveFailed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mentor_common.arm.arm import Arm, ArmFault, MotionOutcome
from mentor_common.arm.command import Command, CommandStatus, check_command

Float64 = npt.NDArray[np.float64]
CHECKED_EVERY = 0.1
"""Interval between cancellation checks during a move, seconds of ROS time."""
SETTLE = 1.0
"""Seconds after the planned end of a move in which the arm must come within `ARRIVED` of it."""
ARRIVED = 0.03
"""Distance from the target, normalised, that counts as there."""
MOVEMENTS = ("release_tension", "recover", "regrasp")
"""What `MoveTo.movement` may name: stop pulling, by taking where the arm is as its target; end a
fault; do what ends one even if there is none."""
RECOVER = "call recover"
CUT = "the episode was ended before its end, by a move, a recovery or a reset"
"""Reason of the motion with which the arm answers the next action of such an episode."""


class MoveFailed(RuntimeError):
    """A move that was not completed, and why."""


class Outlet(Protocol):
    """Where the step server publishes what the arm does."""

    def show(self, frames: bool) -> None:
        """Publish the state as it is now, with a frame of each camera if `frames`."""

    def moved(self, episode: int, step: int, outcome: MotionOutcome) -> None:
        """Publish the motion that led to a step."""

    def pace(self) -> None:
        """Called while the arm moves, every few hundredths of a second of ROS time; what it raises
        stops the arm and goes through."""


class StepServer:
    """Decides which actions are executed, executes them, and reports the results.

    Args:
        arm: the arm.
        action_size: numbers of an action.
        outlet: called for everything that is published.
        blocked: why nothing may move at present; empty: it may.
    """

    def __init__(
        self,
        arm: Arm,
        action_size: int,
        outlet: Outlet,
        blocked: Callable[[], str] = lambda: "",
    ) -> None:
        self.arm = arm
        self.episode = 0
        self.step = 0
        self._low, self._high = -np.ones(action_size), np.ones(action_size)
        self._outlet = outlet
        self._blocked = blocked
        self._shown_at = -1
        self._cut: tuple[int, int] | None = None
        self._refused: tuple[str, float] | None = None

    def take(self, command: Command) -> tuple[CommandStatus, str]:
        """Carry out an action if it is for the running step, in time, and valid.

        The next action of an episode that was ended meanwhile leads to a failed motion, so that its
        agent need not wait for a step that never comes.

        Returns:
            its status, and the reason where it is not EXECUTED.
        """
        backend = self.arm.backend
        status, reason = check_command(
            command, self.episode, self.step, self._low, self._high, backend.time
        )
        if status.executed and backend.fault:
            status, reason = CommandStatus.IN_FAULT, f"{backend.fault}; {RECOVER}"
        elif status.executed and (blocked := self._blocked()):
            status, reason = CommandStatus.BLOCKED, blocked
        if not status.executed:
            return self._refuse(command, status, reason)
        self._show_frames()
        try:
            outcome = self.arm.act(command.data, self._show_frames, self._outlet.pace)
        except ArmFault as error:  # a person has held the arm since it was asked for above
            return self._refuse(command, CommandStatus.IN_FAULT, str(error))
        self._refused = None
        self._show_frames()
        self.step += 1
        self._outlet.moved(self.episode, self.step, outcome)
        return status, reason

    def _refuse(
        self, command: Command, status: CommandStatus, reason: str
    ) -> tuple[CommandStatus, str]:
        if (command.episode, command.step) == self._cut:
            self._publish_failed(*self._cut, CUT)
        if status.leaves_step_waiting and self._refused is None:
            self._refused = f"{status.value}: {reason}", time.monotonic()
        return status, reason

    def begin_episode(
        self,
        episode: int,
        seed: int | None,
        start: npt.ArrayLike,
        window_offset: npt.ArrayLike | None = None,
        seconds: float = SETTLE,
        on_progress: Callable[[Float64, float], None] = lambda place, distance: None,
        timeout: float = math.inf,
    ) -> Float64:
        """Begin an episode; its Motion of step 0 is published.

        Args:
            episode: its number.
            seed: seed of what a twin samples; None continues with the last random state.
            start: (axes,) normalised; clipped to the window.
            window_offset: offset of the window within which actions are clipped, (axes,)
                normalised.
            seconds: duration of the move to the start, where the arm does not stand there already.
            on_progress: of that move (see :meth:`go`).
            timeout: seconds of ROS time for that move; at most twice its duration and `SETTLE`.

        Returns:
            where the end effector stands, (axes,) normalised.

        Raises:
            MoveFailed: a fault, or the start was not reached.
            ValueError: the start or the offset is not a finite place on the axes.
        """
        self._check_may_move()
        self.end_episode()
        arm = self.arm
        offset = arm.workspace.checked_offset(window_offset)
        start, _ = arm.workspace.clip(start, offset)
        # A twin is set to the start by begin_episode; a real arm moves there first.
        if not arm.backend.resets and np.linalg.norm(start - arm.position) > ARRIVED:
            self.go(start, seconds, min(timeout, 2 * seconds + SETTLE), on_progress)
        arm.begin_episode(seed, start, offset)
        self._show_frames()
        self.episode, self.step = episode, 0
        if self._cut is not None and self._cut[0] == episode:
            self._cut = None  # it was begun again
        # All three frames of the first observation have this one time.
        outcome = arm.outcome(arm.backend.time, clipped=False)
        self._outlet.moved(episode, 0, outcome)
        return outcome.normalized

    def end_episode(self) -> None:
        """Execute no action until the next episode begins."""
        if self.episode:
            self._cut = self.episode, self.step
        self.episode = self.step = 0
        self._refused = None

    def fail_refused_step(self, patience: float = 0.0) -> None:
        """End an episode whose action was refused, by a failed motion: nobody need wait for it.

        Args:
            patience: seconds of wall time in which another action of that step may still come.
        """
        if self._refused is None or time.monotonic() - self._refused[1] < patience:
            return
        reason, episode, step = self._refused[0], self.episode, self.step
        self.end_episode()
        self._publish_failed(episode, step, reason)

    def run_movement(self, name: str) -> Float64:
        """Carry out one of MOVEMENTS; return where the end effector stands, (axes,) normalised.

        Raises:
            ValueError: the movement is unknown.
            MoveFailed: a fault that this movement does not end.
        """
        if name not in MOVEMENTS:
            raise ValueError(f"movement '{name}' is unknown; known: {', '.join(MOVEMENTS)}")
        if name == "release_tension":
            self._check_may_move()
            self.end_episode()
            try:
                self.arm.release_tension(SETTLE / 2, self._outlet.pace)
            except BaseException:
                self.arm.stop()
                raise
        else:
            self.recover(always=name == "regrasp")
        self._outlet.show(frames=False)
        return self.arm.position

    def recover(self, timeout: float = 0.0, always: bool = False) -> None:
        """End a fault.

        Args:
            timeout: seconds of wall time; 0: the backend's default.
            always: do what ends a fault even if there is none.

        Raises:
            MoveFailed: the fault is still there.
        """
        self.end_episode()
        if self.arm.backend.fault or always:
            self.arm.backend.recover(timeout)
            self.arm.stop()
            self._outlet.show(frames=False)
        if fault := self.arm.backend.fault:
            raise MoveFailed(f"{fault} is still there after the recovery")

    def go(
        self,
        target: npt.ArrayLike,
        seconds: float,
        timeout: float,
        on_progress: Callable[[Float64, float], None],
    ) -> Float64:
        """Move straight to `target`; end a running episode.

        Args:
            target: (axes,) normalised, inside the workspace.
            seconds: duration.
            timeout: seconds after which the move fails, if it has not failed for being late before
                (see SETTLE).
            on_progress: called with position and distance to the target; may raise to stop.

        Returns:
            where the end effector stands, (axes,) normalised.

        Raises:
            MoveFailed: outside the workspace, a fault, blocked, or the timeout.
        """
        self._check_may_move()
        arm, last = self.arm, self.check_target(target)
        self.end_episode()
        began = checked = arm.backend.time

        def watch() -> None:
            nonlocal checked
            self._outlet.pace()
            if blocked := self._blocked():
                raise MoveFailed(f"{blocked}; stopped on the way")
            now = arm.backend.time
            if now - checked >= CHECKED_EVERY * 1e9:
                checked = now
                if now - began > timeout * 1e9:
                    raise MoveFailed(f"target not reached after {timeout:g} s, the timeout")
                self._outlet.show(frames=False)
                on_progress(arm.position, self._distance(last))

        try:
            arm.move(last, max(seconds, CHECKED_EVERY), watch)
            while self._distance(last) > ARRIVED and not arm.backend.fault:
                if arm.backend.time - began > (seconds + SETTLE) * 1e9:
                    raise MoveFailed(f"{self._distance(last):.3f} off the target, normalised")
                arm.hold(CHECKED_EVERY, watch)
            self._check_may_move()
        except BaseException:
            arm.stop()
            raise
        finally:
            self._outlet.show(frames=False)
        return arm.position

    def check_target(self, target: npt.ArrayLike) -> Float64:
        """Return the target of a move; to be called before anything moves.

        Raises:
            MoveFailed: it is outside the workspace.
        """
        workspace = self.arm.workspace
        last, clipped = workspace.clip(target)
        if clipped:
            raise MoveFailed(
                f"target {np.round(np.asarray(target, float), 4).tolist()} is outside the "
                f"workspace, -1 to 1 on {list(workspace.names)}; nothing moved"
            )
        return last

    def idle(self, seconds: float) -> None:
        """Let time pass while nobody acts."""
        self.arm.hold(seconds, self._outlet.pace)

    def _publish_failed(self, episode: int, step: int, reason: str) -> None:
        """Report a failed motion of the step that an action was to lead to, once."""
        self._cut = None
        self._show_frames()  # else the stacker would have none of it
        outcome = self.arm.outcome(self.arm.backend.time, clipped=False)
        self._outlet.moved(episode, step + 1, replace(outcome, failed=True, reason=reason))

    def _distance(self, target: Float64) -> float:
        return float(np.linalg.norm(target - self.arm.position))

    def _show_frames(self) -> None:
        """Publish state and frames, once for each point of time."""
        if self.arm.backend.time != self._shown_at:
            self._shown_at = self.arm.backend.time
            self._outlet.show(frames=True)

    def _check_may_move(self) -> None:
        """Raise MoveFailed if a fault or a block forbids to move."""
        if self.arm.backend.fault:
            raise MoveFailed(f"{self.arm.backend.fault}; {RECOVER}")
        if blocked := self._blocked():
            raise MoveFailed(blocked)
