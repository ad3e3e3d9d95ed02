"""Node: the cable routing cell simulated, speaking the topics of its arm and its cameras."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from std_msgs.msg import String
from std_srvs.srv import Trigger

from mentor_common.messages import topics
from mentor_common.messages.experience import action_data, nanoseconds_to_time, time_to_nanoseconds
from mentor_common.messages.images import array_to_image
from mentor_common.messages.topics import Interface, Topic
from mentor_common.node import health
from mentor_common.node.actions import Cancelled, Goal
from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import Param
from mentor_common.node.running import main as run_node
from mentor_common.tasks.task import Task, find_task
from mentor_msgs.action import MoveTo
from mentor_msgs.msg import Action
from mentor_msgs.srv import Describe
from mentor_sim_bridge.twins.arm import messages
from mentor_sim_bridge.twins.arm.panda_urdf import panda_urdf
from mentor_sim_bridge.twins.cable.cell import CableCell, MotionOutcome
from mentor_sim_bridge.twins.cable.config import (
    DEFAULT_FILE,
    CableConfig,
    StartConfig,
    WorkspaceConfig,
    load_cable_config,
)
from mentor_sim_bridge.twins.cable.simulator import CableBody, Command, MoveFailed, Verdict

IMAGE_SIZE = (168, 168)
RELIABLE_IMAGES = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=30, reliability=ReliabilityPolicy.RELIABLE
)
"""Serves best-effort subscribers as well; a lockstep stacker that asks for it loses no frame."""
TRUTH = topics.truth("slot_states", String)
TEAR = Interface("~/tear_cable", Trigger)
_IDLE = 0.02  # seconds of simulated time that pass at once while nobody acts, in real time
_REPEAT = 1.0  # seconds of wall time after which time and state are told again
_LOOK = 0.1  # seconds of wall time between two looks of the physics thread, and of a goal


class CableTwin(CellNode):
    """Serves `move_to` and `describe`, hears `action`; publishes what the real cell would.

    Simulated time stands while nobody acts, unless `realtime`. Physics and cameras live in a thread
    of their own, so that services and diagnostics answer while the arm moves.
    """

    PARAMETERS: ClassVar = (
        Param(
            "task", "str", "cable_routing", "name of the task or path of its YAML", read_only=True
        ),
        Param(
            "config", "str", "", "path of the cell's YAML; empty: the one of the package",
            read_only=True,
        ),
        Param("realtime", "bool", False, "simulated time goes as wall time does"),
        Param(
            "action_deadline", "float", 0.0,
            "seconds of ROS time after its stamp in which an action that names no deadline may "
            "begin to move; 0: as the task says",
            low=0.0, high=60.0,
        ),
        Param("max_speed", "float", 0.25, "metres per second of a move at speed 1", 0.01, 1.0),
        Param(
            "move_timeout", "float", 20.0,
            "seconds of ROS time for a move, if the goal names none", low=0.1, high=600.0,
        ),
    )  # fmt: skip

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__("twin", **node_arguments)

    def configure(self) -> None:
        """Builds the cell, the publishers and the servers."""
        task = self._task = find_task(self.text("task"))
        file = Path(self.text("config")) if self.text("config") else DEFAULT_FILE
        self._cell = CableCell(_task_config(load_cable_config(file), task), IMAGE_SIZE)
        if task.observed_cameras != self._cell.cameras:
            raise ValueError(
                f"task {task.file}: cameras {task.observed_cameras}; the twin has "
                f"{self._cell.cameras}, in this order"
            )
        self._body = CableBody(self._cell, self)
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._pace = (0.0, 0)
        self._motion = self.publisher(topics.MOTION)
        self._clock_ticks = self.publisher(topics.CLOCK)
        self._current = self.publisher(topics.CURRENT_POSE)
        self._target = self.publisher(topics.TARGET_POSE)
        self._joints = self.publisher(topics.JOINT_STATES)
        self._description = self.publisher(topics.ROBOT_DESCRIPTION)
        self._truth = self.publisher(TRUTH)
        self._images = {
            camera: (
                self.publisher(_reliable(topics.camera_image(camera))),
                self.publisher(_reliable(topics.camera_info(camera))),
                messages.camera_info_message(self._cell, camera, IMAGE_SIZE),
            )
            for camera in self._cell.cameras
        }
        self._told_time: Clock | None = None
        self._state: tuple[Any, ...] = ()
        self._telling = threading.Lock()
        self.subscription(topics.ACTION, self._on_action, hot=True)
        self.serve(topics.DESCRIBE, self._describe)
        self.serve(TEAR, self._tear)
        self.serve_action(topics.MOVE_TO, self._move_to, accept=self._refuse_goal)
        self.peers.publisher_of(topics.ACTION, required=False)
        self.peers.subscriber_of(topics.MOTION, "stacker and reward node", required=False)
        self.timer(_REPEAT, self._repeat_state, wall=True)
        self._verdicts = {verdict: self.health.counter(verdict.value) for verdict in Verdict}
        self._steps = self.health.rate("steps")
        self._step_time = self.health.timing("motion of a step")
        self._render_time = self.health.timing("pictures of three cameras")
        self._faults = self.health.counter("faults")

    def activate(self) -> None:
        """Sets the cell up, and begins to hear commands."""
        self._description.publish(String(data=panda_urdf(self._cell.model, self._frame)))
        self.start_worker("physics", self._live)

    # The physics thread.

    def _live(self) -> None:
        self._cell.on_pace = self._on_pace
        self._body.end_episode()
        self._cell.recover()
        self.show(pictures=False)
        try:
            while not self.stopping.is_set():
                try:
                    self._jobs.get(timeout=0.0 if self.flag("realtime") else _LOOK)()
                except queue.Empty:
                    if self.flag("realtime"):
                        self._body.idle(_IDLE)
        finally:
            self._cell.close()  # in the thread whose graphics context it is

    def _on_pace(self) -> None:
        """In real time, waits for the wall clock and shows the arm on its way."""
        if not self.flag("realtime"):
            return
        begun, at = self._pace
        ahead = begun + (self._cell.time - at) / 1e9 - time.monotonic()
        if abs(ahead) > 0.5:  # realtime was just switched on, or the machine was too slow
            self._pace = (time.monotonic(), self._cell.time)
        elif ahead > 0.0:
            time.sleep(ahead)
        self.show(pictures=False)

    def show(self, pictures: bool) -> None:
        """Publishes the cell's state of this moment, or the time and a frame of each camera."""
        if not pictures:
            self._tell_state()
            return
        stamp = nanoseconds_to_time(self._cell.time)
        with self._telling:
            self._tick(Clock(clock=stamp))
        with self._render_time.measured():
            for camera, (image_topic, info_topic, info) in self._images.items():
                # Sent one by one: one is stacked while the next is drawn.
                frame = self._cell.render(camera)
                info.header.stamp = stamp
                image_topic.publish(array_to_image(frame, "rgb8", stamp, info.header.frame_id))
                if info_topic.get_subscription_count():
                    info_topic.publish(info)

    def moved(self, episode: int, step: int, outcome: MotionOutcome) -> None:
        """Publishes the motion that led to a step; what no step waits for comes behind it."""
        self._motion.publish(
            messages.motion_message(self._cell, episode, step, outcome, self._frame)
        )
        self._truth.publish(messages.truth_message(self._cell, episode, step))
        self._tell_state()
        if outcome.failed:
            self._tell_fault()

    def _tell_state(self) -> None:
        stamp = nanoseconds_to_time(self._cell.time)
        current, target = messages.pose_messages(self._cell, stamp, self._frame)
        joints = messages.joint_message(self._cell, stamp)
        with self._telling:
            self._tick(Clock(clock=stamp))
            self._state = (current, target, joints)
            self._publish_state()

    def _tick(self, clock: Clock) -> None:
        """Tells the time, if it went on: each tick wakes every node."""
        if clock != self._told_time:
            self._told_time = clock
            self._clock_ticks.publish(clock)

    def _publish_state(self) -> None:
        publishers = (self._current, self._target, self._joints)
        for publisher, message in zip(publishers, self._state, strict=True):
            publisher.publish(message)

    def _act(self, command: Command) -> None:
        began = time.perf_counter()
        verdict, why = self._body.take(command)
        self._verdicts[verdict].add()
        if verdict is Verdict.MOVED:
            self._steps.add()
            self._step_time.took(time.perf_counter() - began)
        else:
            self.get_logger().warning(f"{verdict.value}: {why}", throttle_duration_sec=5.0)

    def _tell_fault(self) -> None:
        fault = self._cell.fault
        if fault:
            self._faults.add()
            text = f"fault: {fault}; move_to with routine 'recover' ends it"
            self.health.problem("fault", health.ERROR, text)
            self.get_logger().error(text)
        else:
            self.health.solved("fault")

    # The callbacks' thread.

    @property
    def _frame(self) -> str:
        return self._task.workspace.frame

    def _repeat_state(self) -> None:
        """Tells late-comers the time and where the arm stands; lockstep time does not go on."""
        with self._telling:  # from two threads: an old time must not be told behind a newer one
            if self._told_time is not None and self._state:
                self._clock_ticks.publish(self._told_time)
                self._publish_state()

    def _on_action(self, message: Action) -> None:
        deadline = (
            time_to_nanoseconds(message.deadline)
            or round(1e9 * self.number("action_deadline"))
            or round(1e9 * self._task.episode.action_deadline)
        )
        command = Command(
            message.episode,
            message.step,
            np.array(action_data(message)),
            time_to_nanoseconds(message.header.stamp),
            deadline,
        )
        self._jobs.put(lambda: self._act(command))

    def _refuse_goal(self, goal: MoveTo.Goal) -> str | None:
        axes = len(self._task.workspace.axes)
        target = np.asarray(goal.target)
        if target.size not in (0, axes) or not np.isfinite(target).all():
            return f"target {target.tolist()}: none or {axes} finite numbers are needed"
        if not 0.0 <= goal.speed <= 1.0:
            return f"speed {goal.speed:g}: must be in (0, 1], or 0 for the default"
        if goal.begins_episode and goal.episode == 0:
            return "an episode begins, but its number is 0"
        return None

    def _move_to(self, goal: Goal) -> MoveTo.Result:
        """Runs in the goal's thread; has the physics thread move."""
        future: Future[np.ndarray] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(self._carry_out(goal))
            except Exception as error:
                future.set_exception(error)

        self._jobs.put(job)
        while True:
            try:
                place = future.result(_LOOK)
                break
            except FutureTimeout:
                if goal.cancelled and future.cancel():
                    raise Cancelled("cancelled before the move began") from None
                if self.stopping.is_set():
                    raise Cancelled("the twin goes down") from None
            except (MoveFailed, ValueError) as error:
                self._tell_fault()
                place = self._cell.normalized
                return MoveTo.Result(success=False, message=str(error), reached=place.tolist())
        return MoveTo.Result(success=True, reached=place.tolist())

    def _carry_out(self, goal: Goal) -> np.ndarray:
        request = goal.request
        target = np.array(request.target, np.float64)
        if request.routine:
            place = self._body.run_routine(request.routine)
            if not self._cell.fault:
                self.health.solved("fault")
            if not target.size and not request.begins_episode:
                return place
        if not target.size:
            target = self._cell.target
        if request.begins_episode:
            seed = int(request.seed) if request.seeded else None
            return self._body.begin_episode(request.episode, seed, target)

        def go_on(place: np.ndarray, distance: float) -> None:
            goal.feedback(position=place.tolist(), distance=distance)
            goal.check()

        path = self._task.workspace.to_metric(target) - self._task.workspace.to_metric(
            self._cell.target
        )
        seconds = float(np.linalg.norm(path)) / (self.number("max_speed") * (request.speed or 0.5))
        timeout = request.timeout or self.number("move_timeout")
        return self._body.go(target, seconds, timeout, go_on)

    def _tear(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """A rehearsal: the next motion ends with the cable torn from the gripper."""
        if not self.active:
            response.message = f"the node is {self.state_label}"
            return response
        self._jobs.put(self._cell.tear_soon)
        response.success, response.message = True, "the cable tears in the next motion"
        return response

    def _describe(
        self, request: Describe.Request, response: Describe.Response
    ) -> Describe.Response:
        task, layout = self._task, self._task.layout
        response.task = task.name
        response.environment = "twin 0.1.0"
        response.ready = self.active  # a fault is ended by the reset, which asks for this first
        response.message = self._cell.fault or (
            "" if self.active else f"the node is {self.state_label}"
        )
        response.cameras = list(layout.cameras)
        response.frames, response.height, response.width = (
            layout.frames, layout.height, layout.width
        )  # fmt: skip
        response.stacked = layout.stacked
        response.action_names = list(task.action_names)
        response.action_low = [-1.0] * len(task.action)
        response.action_high = [1.0] * len(task.action)
        response.period = task.episode.period
        response.max_steps = task.episode.max_steps
        response.action_repeat = 1
        return response


def _task_config(config: CableConfig, task: Task) -> CableConfig:
    """The cell with the task's workspace, starts and period."""
    workspace = task.workspace
    if workspace.names != ("x", "z"):
        raise ValueError(f"task {task.file}: axes {workspace.names}; the twin moves ('x', 'z')")
    x, z = ((axis.low, axis.high) for axis in workspace.axes)
    return replace(
        config,
        workspace=WorkspaceConfig(x, z, workspace.fixed[1]),
        start=StartConfig(task.reset.start["x"], task.reset.start["z"]),
        motion=replace(config.motion, period=task.episode.period),
    )


def _reliable(topic: Topic) -> Topic:
    return replace(topic, qos=RELIABLE_IMAGES)


def main() -> None:
    """Entry point ``cable_twin``."""
    run_node(CableTwin)


if __name__ == "__main__":
    main()
