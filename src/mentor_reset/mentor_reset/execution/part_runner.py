"""Carries out the parts of one attempt of a reset routine, through the ROS actions of the cell."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mentor_common.node.goal_server import Goal
from mentor_common.node.remote_action import Cancelled, RemoteAction, RemoteError, RemoteTimeout
from mentor_common.tasks.episode_draw import EpisodeDraw
from mentor_common.tasks.reset_routine import (
    AskForHelp,
    Grip,
    Move,
    Part,
    PartFailed,
    PartResult,
    Rest,
    Save,
    Wait,
)
from mentor_msgs.action import Gripper, MoveTo
from mentor_reset.execution.help_request import HelpRequest
from mentor_reset.execution.saved_state import SavedState
from mentor_reset.execution.stillness import Stillness

POLL = 0.01
"""Seconds of wall time between two checks of a pose or a condition."""
TIME_STANDS = 0.03
"""Seconds of wall time after which ROS time that has not changed counts as stopped.

A twin's clock (``/clock``) advances only while a motion is simulated: between two motions it does
not change, so that a run does not depend on how fast its nodes are ("lockstep"). Nothing moves
then.
"""
FEEDBACK_PERIOD = 0.5
"""Seconds of wall time between two feedback messages of a stage that takes long."""


@dataclass(frozen=True)
class NewEpisode:
    """The episode that a reset is to begin.

    Args:
        number: its number.
        seed: of its randomisation; None: not seeded.
        draw: what was sampled for it: its start and window.
        options: options of the goal, and those that its routine adds.
    """

    number: int
    seed: int | None
    draw: EpisodeDraw
    options: Mapping[str, Any]


@dataclass(frozen=True)
class CellAccess:
    """What the parts are carried out with.

    Args:
        move_to: action of the arm or twin.
        gripper: action of the arm or twin.
        position: where the end effector was last seen, normalised, (axes,); None: nowhere yet.
        ros_time: nanoseconds.
        waiting_for: who or what is waited for; empty: nobody.
        announce_start: called before the move that begins the episode is sent.
        help: the request to a person.
        announce_help: called with what a person has to do, and with "" when it is done.
        saved: what the routine saves.
        axes: names of the workspace's axes.
        speed: share of the arm's speed limit, unless a part names one.
        tolerance: distance from its target at which a move counts as there, normalised.
        move_timeout: seconds for a single move or command to the gripper: of wall time until its
            result is here, and of ROS time for the motion itself.
    """

    move_to: RemoteAction
    gripper: RemoteAction
    position: Callable[[], np.ndarray | None]
    ros_time: Callable[[], int]
    waiting_for: Callable[[], str]
    announce_start: Callable[[NewEpisode], None]
    help: HelpRequest
    announce_help: Callable[[str], None]
    saved: SavedState
    axes: tuple[str, ...]
    speed: float
    tolerance: Callable[[], float]
    move_timeout: Callable[[], float]


class PartRunner:
    """Carries out the parts of one attempt, and publishes feedback meanwhile.

    Args:
        cell: what the parts are carried out with.
        goal: goal of ``reset_episode``.
        episode: episode that is to begin.
        until: time.monotonic() at which the reset's time is over.
        progress: share of the routine that is done when a stage begins.
    """

    def __init__(
        self,
        cell: CellAccess,
        goal: Goal,
        episode: NewEpisode,
        until: float,
        progress: Callable[[str], float],
    ) -> None:
        self.until = until
        self._cell, self._goal, self._episode = cell, goal, episode
        self._progress = progress
        self._stage, self._waiting, self._sent = "", "", 0.0
        self._grasped, self._width = False, 0.0

    @property
    def left(self) -> float:
        """Seconds of wall time that are left for the reset."""
        return self.until - time.monotonic()

    def carry_out(self, part: Part) -> PartResult:
        """Carry out a part.

        Raises:
            PartFailed: it did not do what it should.
            Cancelled: the goal was cancelled.
        """
        self.begin_stage(part.stage)
        try:
            if isinstance(part, Move):
                return self._result(self._move(part))
            if isinstance(part, Rest):
                self._rest(part)
            elif isinstance(part, Grip):
                self._grip(part)
            elif isinstance(part, Wait):
                self._wait(part)
            elif isinstance(part, AskForHelp):
                self._ask_for_help(part)
            elif isinstance(part, Save):
                self._cell.saved.save(part.state)
            else:
                raise TypeError(f"a reset routine yielded {part!r}, which is no part")
        finally:
            self._waiting = ""
        return self._result()

    def begin_stage(self, stage: str) -> None:
        """Publish feedback that a stage begins."""
        self._stage = stage
        self._feedback()

    def poll(self) -> bool:
        """Publish feedback every FEEDBACK_PERIOD; return whether the goal is cancelled.

        To be called again and again by whatever waits, and passed to actions as ``cancelled``.
        """
        if time.monotonic() - self._sent >= FEEDBACK_PERIOD:
            self._feedback()
        return self._goal.cancelled

    def call(self, part: Part, action: RemoteAction, goal: Any) -> Any:
        """Call an action of the cell and return its result, failed or not.

        Args:
            part: part that it belongs to.
            action: action of the arm or twin.
            goal: the message; its timeout is filled in.

        Raises:
            PartFailed: no result in time.
        """
        goal.timeout = timeout = max(0.0, min(self._cell.move_timeout(), self.left))
        try:
            return action.call(goal, timeout, cancelled=self.poll)
        except RemoteTimeout as error:
            raise PartFailed(part, f"{error} in {timeout:.1f} s", self._result()) from error
        except RemoteError as error:
            raise PartFailed(part, str(error), self._result()) from error

    def _result(self, reached: np.ndarray | None = None) -> PartResult:
        """Return where the arm is: where a move ended, else where it was last seen."""
        position = self._cell.position() if reached is None else reached
        return PartResult(None if position is None else position.copy(), self._grasped, self._width)

    def _move(self, part: Move) -> np.ndarray:
        target = None if part.target is None else np.asarray(part.target, np.float32)
        goal = MoveTo.Goal(
            movement=part.movement,
            target=[] if target is None else target.tolist(),
            speed=self._cell.speed if part.speed is None else part.speed,
        )
        if part.begins_episode:
            episode = self._episode
            goal.episode, goal.begins_episode = episode.number, True
            goal.seeded, goal.seed = episode.seed is not None, episode.seed or 0
            goal.window_offset = episode.draw.window_offset.tolist()
            options = {**episode.options, **part.options}
            draw = episode.draw if target is None else replace(episode.draw, start=target)
            self._cell.announce_start(replace(episode, draw=draw, options=options))
        return self._go(part, goal, target)

    def _go(self, part: Part, goal: MoveTo.Goal, target: np.ndarray | None) -> np.ndarray:
        result = self.call(part, self._cell.move_to, goal)
        if not result.success:
            raise PartFailed(part, result.message or "the move failed without a reason")
        reached = np.asarray(result.reached, np.float64)
        if reached.shape != (len(self._cell.axes),) or not np.isfinite(reached).all():
            reason = f"reached {reached.tolist()}, not a position on {self._cell.axes}"
            raise PartFailed(part, reason)
        if target is not None and np.linalg.norm(reached - target) > self._cell.tolerance():
            there, wanted = (np.round(place, 3).tolist() for place in (reached, target))
            raise PartFailed(part, f"reached {there}, not {wanted}")
        return reached

    def _rest(self, part: Rest) -> None:
        arm, ros_time = Stillness(part.seconds, part.distance), Stillness(TIME_STANDS, 0.0)
        # A simulator's clock may pause for TIME_STANDS between two ticks, so time counts as stopped
        # only while the arm is still, too. (_wait lets time advance by a move, which is harmless.)
        lately = Stillness(TIME_STANDS, part.distance)
        while True:
            self._goal.check()
            position, now = self._cell.position(), time.monotonic()
            ros_time.add(np.array([self._cell.ros_time()]), now)
            if position is not None:
                arm.add(position, now)
                lately.add(position, now)
                if arm.still(now) or (ros_time.still(now) and lately.still(now)):
                    return
            if self.left <= 0.0:
                what = "no pose of the arm" if position is None else "the arm does not stand still"
                waiting = self._cell.waiting_for() or "the arm"
                raise PartFailed(part, f"{what}; waiting for {waiting}")
            self.poll()
            time.sleep(min(POLL, max(part.seconds, 0.001)))

    def _grip(self, part: Grip) -> None:
        goal = Gripper.Goal(
            command=part.command, width=part.width, force=part.force, speed=part.speed
        )
        self._grasped, self._width = False, math.nan
        result = self.call(part, self._cell.gripper, goal)
        self._grasped, self._width = bool(result.grasped), float(result.width)
        if not result.success:
            reason = result.message or f"the gripper's {part.command} failed without a reason"
            raise PartFailed(part, reason, self._result())

    def _wait(self, part: Wait) -> None:
        self._waiting = part.waiting_for
        begin, ros_time = self._cell.ros_time(), Stillness(TIME_STANDS, 0.0)
        while not self._holds(part):
            self._goal.check()
            seconds = (self._cell.ros_time() - begin) / 1e9
            if seconds >= part.timeout or self.left <= 0.0:
                raise PartFailed(part, f"{part.waiting_for} did not come in {seconds:.1f} s")
            ros_time.add(np.array([self._cell.ros_time()]), time.monotonic())
            if ros_time.still(time.monotonic()):
                # A twin's clock advances only while a motion is simulated, and so does what is
                # waited for: a move to where the arm is lets time advance.
                self._go(Move(part.stage), MoveTo.Goal(speed=self._cell.speed), None)
            self.poll()
            time.sleep(POLL)

    def _holds(self, part: Wait) -> bool:
        try:
            return bool(part.condition())
        except (OSError, RuntimeError, ValueError) as error:
            raise PartFailed(part, f"{part.waiting_for} cannot be checked: {error}") from error

    def _ask_for_help(self, part: AskForHelp) -> None:
        self._waiting = f"a person: {part.request}"
        begin = time.monotonic()
        self._cell.help.open(part.request)
        self._cell.announce_help(part.request)
        try:
            while not self._cell.help.wait(POLL):
                if self.poll():
                    raise Cancelled(f"cancelled while waiting for a person: {part.request}")
                if time.monotonic() - begin >= part.timeout:
                    reason = f"nobody answered in {part.timeout:g} s: {part.request}"
                    raise PartFailed(part, reason)
        finally:
            self._cell.help.close()
            self._cell.announce_help("")
            self.until += time.monotonic() - begin  # the person's time is not the reset's

    def _feedback(self) -> None:
        self._sent = time.monotonic()
        self._goal.feedback(
            stage=self._stage,
            progress=float(self._progress(self._stage)),
            waiting_for=self._waiting or self._cell.waiting_for(),
        )
