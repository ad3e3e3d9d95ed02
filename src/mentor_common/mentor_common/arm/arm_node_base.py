"""The base of every node that moves an arm: actions, moves, recovery, gripper, state."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np

from mentor_common.arm.action_report import ActionReport
from mentor_common.arm.arm import Arm, MotionOutcome
from mentor_common.arm.arm_parameters import ARM_PARAMETERS
from mentor_common.arm.backend import ArmBackend, GripperCommand, GripperFailed
from mentor_common.arm.command import Command, CommandStatus
from mentor_common.arm.messages import (
    clipped_start,
    describe_task,
    joint_message,
    motion_message,
    stamped_pose,
)
from mentor_common.arm.motion_jobs import MotionJobs
from mentor_common.arm.step_server import MoveFailed, StepServer
from mentor_common.arm.trajectory import seconds_of
from mentor_common.messages import topics
from mentor_common.messages.experience import action_data, nanoseconds_to_time, time_to_nanoseconds
from mentor_common.node import health
from mentor_common.node.cell_node import CellNode
from mentor_common.node.debug_log import debug
from mentor_common.node.goal_server import Goal
from mentor_common.node.parameters import Param
from mentor_common.node.remote_action import Cancelled
from mentor_common.tasks.task import Task, find_task
from mentor_msgs.action import Gripper, MoveTo, Recover
from mentor_msgs.msg import Action
from mentor_msgs.srv import Describe

POLL = 0.1
"""Longest time in seconds of wall time between two checks of the motion thread."""
GRIPPER_COMMANDS = ("homing", "grasp", "release")
T = TypeVar("T")


class ArmNodeBase(CellNode):
    """Serves `move_to`, `recover`, `gripper` and `describe`, receives `action`, publishes `motion`.

    The arm moves in a thread of its own, so that services and diagnostics answer meanwhile. A
    node of this kind fills in `make_backend`, and what it publishes besides.
    """

    PARAMETERS: ClassVar[Sequence[Param]] = ARM_PARAMETERS

    # Hooks, for the nodes to fill in.

    @abstractmethod
    def make_backend(self, task: Task) -> ArmBackend:
        """Make the arm; runs in `configure`. Raises: any exception, with the reason."""

    @property
    @abstractmethod
    def environment(self) -> str:
        """Name and version of the environment, for `describe`."""

    def begin_motion_thread(self) -> None:
        """Prepare what the motion thread needs; runs in it, first."""

    def end_motion_thread(self) -> None:
        """Release what the motion thread holds; runs in it, last."""

    def idle(self) -> None:
        """Wait for work for a moment; runs in the motion thread."""
        self.run_job(POLL)

    def blocked(self) -> str:
        """Return why nothing may move at present; empty: it may."""
        return ""

    def fault_ending(self) -> str:
        """Return what ends the present fault; empty: its text says so."""
        return "the action recover ends it"

    def while_moving(self) -> None:
        """Called every few hundredths of a second of a motion, in the motion thread."""

    # Called by the step server (Outlet in step_server.py).

    def show(self, frames: bool) -> None:
        """Publish the arm's state."""
        if not frames:
            self.publish_state()

    def moved(self, episode: int, step: int, outcome: MotionOutcome) -> None:
        """Publish the motion that led to a step, for which the step waits, and then the state."""
        self._motion.publish(motion_message(episode, step, outcome, self.frame))
        debug(self, lambda: f"motion ({episode}, {step}): {outcome}")
        self.show(frames=False)
        if outcome.failed:
            self._report_fault()

    def pace(self) -> None:
        """Look after the node while the arm moves. Raises: Cancelled: its goal is."""
        if self.goal_cancelled():
            raise Cancelled("cancelled")
        self.while_moving()

    # Lifecycle.

    def configure(self) -> None:
        """Make the arm, the publishers and the servers."""
        task = self.task = find_task(self.text("task"))
        self.backend = self.make_backend(task)
        self.arm = Arm(
            self.backend, task.workspace, task.deltas, task.episode.period, task.arm.limits
        )
        self.steps = StepServer(self.arm, len(task.action), self, self.blocked)
        self._jobs = MotionJobs()
        self._motion = self.publisher(topics.MOTION)
        self._current = self.publisher(topics.CURRENT_POSE)
        self._target = self.publisher(topics.TARGET_POSE)
        self._joints = self.publisher(topics.JOINT_STATES)
        self.state: tuple[Any, ...] = ()
        self._fault_reported = ""
        self.state_lock = threading.Lock()
        self.subscription(topics.ACTION, self._on_action, low_latency=True, from_holder_only=True)
        self.serve(topics.DESCRIBE, self._describe)
        self.serve_action(topics.MOVE_TO, self._move_to, accept=self._refuse_move)
        self.serve_action(topics.RECOVER, self._recover)
        self.serve_action(topics.GRIPPER, self._gripper, accept=self._refuse_gripper)
        self.peers.publisher_of(topics.ACTION, required=False)
        self.peers.subscriber_of(topics.MOTION, "stacker and reward node", required=False)
        self._actions = ActionReport(self.health)
        self._step_rate = self.health.rate("steps")
        self._step_time = self.health.timing("motion of a step")
        self._faults = self.health.counter("faults")

    def activate(self) -> None:
        """Begin to receive commands."""
        self.start_worker("motion", self._work)

    @property
    def frame(self) -> str:
        """Frame of the poses."""
        return self.task.workspace.frame

    # The motion thread.

    def _work(self) -> None:
        self.begin_motion_thread()
        try:
            while not self.stopping.is_set():
                self.idle()
        finally:
            self.end_motion_thread()

    def run_job(self, timeout: float) -> bool:
        """Do the next job; return False if none comes within `timeout` seconds of wall time."""
        return self._jobs.run_next(timeout)

    def goal_cancelled(self) -> bool:
        """Return whether the goal that the motion thread works on, if any, is to end."""
        return self._jobs.goal_cancelled()

    def publish_state(self) -> None:
        """Publish current pose, target pose and joints; keep them for late subscribers."""
        stamp = nanoseconds_to_time(self.backend.time)
        current = stamped_pose(*self.backend.pose(), stamp, self.frame)
        target = stamped_pose(*self.task.workspace.pose(self.arm.target), stamp, self.frame)
        joints = joint_message(self.backend.joint_names, self.backend.joint_state(), stamp)
        with self.state_lock:
            self.state = (current, target, joints)
            self.publish_last_state()

    def publish_last_state(self) -> None:
        """Publish the last state again; the caller holds `state_lock`."""
        for publisher, message in zip(
            (self._current, self._target, self._joints), self.state, strict=True
        ):
            publisher.publish(message)

    def _act(self, command: Command) -> None:
        began = time.perf_counter()
        status, reason = self.steps.take(command)
        self.note_status(status, reason, time.perf_counter() - began)

    def note_status(self, status: CommandStatus, reason: str, seconds: float) -> None:
        """Report what became of an action, why, and how many seconds it took."""
        self._actions.note(status, reason)
        if status.executed:
            self._step_rate.add()
            self._step_time.took(seconds)
        else:
            self.get_logger().warning(f"{status.value}: {reason}", throttle_duration_sec=5.0)

    def _report_fault(self) -> None:
        fault, before = self.backend.fault, self._fault_reported
        self._fault_reported = fault
        if fault == before:
            return
        if fault:
            self._faults.add()
            text = "; ".join(filter(None, (f"fault: {fault}", self.fault_ending())))
            self.health.problem("fault", health.ERROR, text)
            self.get_logger().error(text)
        else:
            self.health.solved("fault")

    # The callbacks' thread.

    def _on_action(self, message: Action) -> None:
        deadline = (
            max(0, time_to_nanoseconds(message.deadline))
            or round(1e9 * self.number("action_deadline"))
            or round(1e9 * self.task.episode.action_deadline)
        )
        command = Command(
            message.episode,
            message.step,
            np.array(action_data(message)),
            time_to_nanoseconds(message.header.stamp),
            deadline,
        )
        self._jobs.put(lambda: self._act(command))

    def _refuse_move(self, goal: MoveTo.Goal) -> str | None:
        axes = len(self.task.workspace.axes)
        target, offset = np.asarray(goal.target), np.asarray(goal.window_offset)
        if target.size not in (0, axes) or not np.isfinite(target).all():
            return f"target {target.tolist()}: none or {axes} finite numbers are needed"
        if not 0.0 <= goal.speed <= 1.0:
            return f"speed {goal.speed:g}: must be in (0, 1], or 0 for the default"
        if not 0.0 <= goal.timeout < 1e6:
            return f"timeout {goal.timeout:g}: must be seconds, or 0 for the default"
        if goal.begins_episode and goal.episode == 0:
            return "an episode begins, but its number is 0"
        try:
            self.task.workspace.checked_offset(offset)
        except ValueError as error:
            return str(error)
        return None

    def _refuse_gripper(self, goal: Gripper.Goal) -> str | None:
        if goal.command not in GRIPPER_COMMANDS:
            return f"command '{goal.command}' is unknown; known: {', '.join(GRIPPER_COMMANDS)}"
        for name in ("width", "force", "speed", "timeout"):
            value = getattr(goal, name)
            if not (np.isfinite(value) and value >= 0.0):
                return f"{name} {value}: must be a finite number, 0 or above"
        return None

    def in_motion_thread(self, goal: Goal, work: Callable[[], T]) -> T:
        """Have the motion thread do something; wait for it in a goal's thread.

        Raises: Cancelled, or what `work` raises.
        """
        return self._jobs.carry_out(goal, work, self.stopping)

    def _move_to(self, goal: Goal) -> MoveTo.Result:
        try:
            place = self.in_motion_thread(goal, lambda: self._carry_out(goal))
        except (MoveFailed, ValueError) as error:
            self._report_fault()
            reached = self.arm.position.tolist()
            return MoveTo.Result(success=False, message=str(error), reached=reached)
        clipped = clipped_start(self.task.workspace, goal.request)
        return MoveTo.Result(success=True, message=clipped, reached=place.tolist())

    def _carry_out(self, goal: Goal) -> Any:
        request = goal.request
        target = np.array(request.target, np.float64)
        if target.size and not request.begins_episode:
            self.steps.check_target(target)
        if request.movement:
            place = self.steps.run_movement(request.movement)
            self._report_fault()
            if not target.size and not request.begins_episode:
                return place
        if not target.size:
            target = self.arm.target
        workspace = self.task.workspace
        way = workspace.xyzr(target) - workspace.xyzr(self.arm.position)
        speed = self.number("max_speed") * (request.speed or 0.5)
        seconds = seconds_of(way, speed, self.task.arm.limits)

        def go_on(place: Any, distance: float) -> None:
            goal.feedback(position=place.tolist(), distance=distance)

        timeout = request.timeout or self.number("move_timeout")
        if request.begins_episode:
            seed = int(request.seed) if request.seeded else None
            return self.steps.begin_episode(
                request.episode, seed, target, request.window_offset, seconds, go_on, timeout
            )
        return self.steps.go(target, seconds, timeout, go_on)

    def _recover(self, goal: Goal) -> Recover.Result:
        goal.feedback(stage="recover" if self.backend.fault else "check")
        timeout = goal.request.timeout or self.number("recover_timeout")
        try:
            self.in_motion_thread(goal, lambda: self.steps.recover(timeout))
        except MoveFailed as error:
            return Recover.Result(success=False, message=str(error))
        finally:
            self._report_fault()
        return Recover.Result(success=True)

    def _gripper(self, goal: Goal) -> Gripper.Result:
        request = goal.request

        def work() -> Any:
            self.steps.end_episode()
            if blocked := self.blocked():
                raise GripperFailed(blocked)
            command = GripperCommand(
                request.command,
                request.width,
                request.force,
                request.speed,
                request.timeout or self.number("gripper_timeout"),
                cancelled=lambda: self.goal_cancelled() or bool(self.blocked()),
                moving=lambda width: goal.feedback(width=width),
            )
            try:
                return self.backend.gripper(command)
            except Cancelled:
                if blocked := self.blocked():
                    raise GripperFailed(blocked) from None
                raise

        try:
            state = self.in_motion_thread(goal, work)
        except GripperFailed as error:
            goal.check()
            return Gripper.Result(success=False, message=str(error), width=error.width)
        return Gripper.Result(success=True, width=state.width, grasped=state.grasped)

    def _describe(
        self, request: Describe.Request, response: Describe.Response
    ) -> Describe.Response:
        response.ready = self.active  # a fault is ended by the reset, which asks for this first
        response.message = self.backend.fault or (
            "" if self.active else f"the node is {self.state_label}"
        )
        return describe_task(self.task, self.environment, response)
