"""Node: any simulated cell, with the topics of its arm and its cameras."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import String
from std_srvs.srv import Trigger

from mentor_common.arm.arm import MotionOutcome
from mentor_common.arm.arm_node_base import POLL, ArmNodeBase
from mentor_common.arm.messages import motion_message, stamped_wrench
from mentor_common.messages import topics
from mentor_common.messages.experience import nanoseconds_to_time
from mentor_common.messages.images import array_to_image
from mentor_common.messages.topics import Interface, Topic
from mentor_common.node.parameters import Param
from mentor_common.node.running import main as run_node
from mentor_common.tasks.plugins import TWINS, load_plugin
from mentor_common.tasks.task import Task
from mentor_msgs.msg import GroundTruth
from mentor_sim_bridge.graphics import check_graphics
from mentor_sim_bridge.nodes.camera_faults import UNPLUGGED, cameras_in, unknown_cameras
from mentor_sim_bridge.nodes.device_topics import COLLECTOR_FAULT, DeviceTopics
from mentor_sim_bridge.twins.simulator import Factory, ForceSensing, Simulator, TrueState

IMAGE_SIZE = (168, 168)
FAIL = Interface("~/fail", Trigger)
_IDLE = 0.02  # seconds of simulated time that pass at once while nobody acts, in real time
_PATIENCE = 2.0  # seconds of wall time in which another action may follow one that was refused
_REPEAT = 1.0  # seconds of wall time after which time and state are published again


class TwinNode(ArmNodeBase):
    """An arm node whose arm, cameras and clock are those of a simulator.

    Simulated time advances only while an action or a move is executed, unless `realtime`. Physics
    and cameras live in the motion thread.
    """

    NAME = "twin"
    PARAMETERS: ClassVar[Sequence[Param]] = (
        *ArmNodeBase.PARAMETERS,
        Param(
            "config", "str", "", "path of the twin's YAML; empty: the one of its package",
            read_only=True,
        ),
        Param("realtime", "bool", False, "simulated time follows wall time"),
        UNPLUGGED, COLLECTOR_FAULT,
    )  # fmt: skip

    def make_backend(self, task: Task) -> Simulator:
        """Make the simulator."""
        factory: Factory = load_plugin(TWINS, task.twin)
        config = Path(self.text("config")) if self.text("config") else None
        self._simulator = factory(task, config, IMAGE_SIZE)
        missing = [c.name for c in task.cameras if c.name not in self._simulator.cameras]
        if missing:
            raise ValueError(
                f"task {task.file}: cameras {missing} are none of the twin's, "
                f"{list(self._simulator.cameras)}"
            )
        return self._simulator

    @property
    def environment(self) -> str:
        """Name and version, for `describe`."""
        return "twin 0.1.0"

    def check_parameters(self, values: dict[str, Any]) -> str | None:
        """Refuse cameras that the task does not have."""
        return super().check_parameters(values) or unknown_cameras(values)

    def configure(self) -> None:
        """Make the simulator, the publishers and the servers."""
        check_graphics()
        super().configure()
        self._pace = (0.0, 0)
        self._clock_ticks = self.publisher(topics.CLOCK)
        self._description = self.publisher(topics.ROBOT_DESCRIPTION)
        self._ground_truth = self.publisher(topics.GROUND_TRUTH)
        self._wrench = (
            self.publisher(topics.WRENCH) if isinstance(self._simulator, ForceSensing) else None
        )
        self._images = {
            camera: (
                self.publisher(_reliable(topics.camera_image(camera))),
                self.publisher(_reliable(topics.camera_info(camera))),
                _camera_info(camera, self._simulator.field_of_view(camera)),
            )
            for camera in self._simulator.cameras
        }
        self._devices = DeviceTopics(self, self._simulator)
        self._published_time: Clock | None = None
        self.serve(FAIL, self._fail)
        self.timer(_REPEAT, self._repeat_state, wall=True)
        self._render_time = self.health.timing("images of all cameras")

    def activate(self) -> None:
        """Begin to receive commands."""
        self._description.publish(String(data=self._simulator.urdf()))
        super().activate()

    # The motion thread.

    def begin_motion_thread(self) -> None:
        """Set the cell up."""
        self.steps.end_episode()
        self._simulator.recover(0.0)
        self.arm.stop()
        self.show(frames=False)

    def end_motion_thread(self) -> None:
        """Free the graphics context in the thread that owns it."""
        self._simulator.close()

    def idle(self) -> None:
        """Wait for work; in real time, simulated time passes meanwhile."""
        self.steps.fail_refused_step(_PATIENCE)
        if not self.flag("realtime"):
            self.run_job(POLL)
        elif not self.run_job(0.0):
            self.steps.idle(_IDLE)

    def while_moving(self) -> None:
        """In real time, wait for the wall clock and show the arm on its way."""
        if not self.flag("realtime"):
            return
        begun, at = self._pace
        ahead = begun + (self._simulator.time - at) / 1e9 - time.monotonic()
        if abs(ahead) > 0.5:  # realtime was just switched on, or the machine was too slow
            self._pace = (time.monotonic(), self._simulator.time)
        elif ahead > 0.0:
            time.sleep(ahead)
        self.show(frames=False)

    def show(self, frames: bool) -> None:
        """Publish the cell's state as it is now, or the time and a frame of each camera."""
        stamp = nanoseconds_to_time(self._simulator.time)
        with self.state_lock:
            self._tick(Clock(clock=stamp))
        self._devices.publish()
        if not frames:
            self.publish_state()
            return
        unplugged = cameras_in(self, UNPLUGGED)
        with self._render_time.measured():
            for camera, (image_topic, info_topic, info) in self._images.items():
                if camera in unplugged:
                    continue
                # Sent one by one: one is stacked while the next is rendered.
                frame = self._simulator.render(camera)
                info.header.stamp = stamp
                image_topic.publish(array_to_image(frame, "rgb8", stamp, info.header.frame_id))
                if info_topic.get_subscription_count():
                    info_topic.publish(info)

    def publish_state(self) -> None:
        """Publish current pose, target pose and joints, and what the hand feels."""
        super().publish_state()
        if self._wrench is not None and isinstance(self._simulator, ForceSensing):
            stamp = nanoseconds_to_time(self._simulator.time)
            self._wrench.publish(stamped_wrench(self._simulator.wrench(), stamp, self.frame))

    def moved(self, episode: int, step: int, outcome: MotionOutcome) -> None:
        """Publish the motion that led to a step, and the ground truth after it."""
        self._motion.publish(motion_message(episode, step, outcome, self.frame))
        state = self._simulator.ground_truth()
        self._ground_truth.publish(ground_truth_message(episode, step, outcome.end, state))
        self.show(frames=False)
        if outcome.failed:
            self._report_fault()

    def _tick(self, clock: Clock) -> None:
        """Publish the time if it has advanced: each tick wakes every node."""
        if clock != self._published_time:
            self._published_time = clock
            self._clock_ticks.publish(clock)

    # The callbacks' thread.

    def _repeat_state(self) -> None:
        """Publish time and state again for late subscribers; lockstep time does not advance."""
        with self.state_lock:  # from two threads: /clock is monotonic
            if self._published_time is not None and self.state:
                self._clock_ticks.publish(self._published_time)
                self.publish_last_state()

    def _fail(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Have the next motion end in a fault, for tests."""
        if not self.active:
            response.message = f"the node is {self.state_label}"
            return response
        response.success, response.message = True, self._simulator.fail_soon()
        return response


def ground_truth_message(episode: int, step: int, stamp: int, state: TrueState) -> GroundTruth:
    """Return the GroundTruth of a step.

    Args:
        episode: number of the episode.
        step: the step that was reached.
        stamp: end of its motion, nanoseconds of ROS time.
        state: the ground truth.
    """
    message = GroundTruth(episode=episode, step=step, success=bool(state.success))
    message.header.stamp = nanoseconds_to_time(stamp)
    message.names = list(state.values)
    message.values = [float(value) for value in state.values.values()]
    return message


def _camera_info(camera: str, field_of_view: float) -> CameraInfo:
    """Return the intrinsics of a camera without distortion; its vertical angle in radians."""
    height, width = IMAGE_SIZE
    focal = height / 2 / math.tan(field_of_view / 2)
    message = CameraInfo(height=height, width=width, distortion_model="plumb_bob")
    message.d = [0.0] * 5
    message.k = [focal, 0.0, width / 2, 0.0, focal, height / 2, 0.0, 0.0, 1.0]
    message.r = np.eye(3).ravel().tolist()
    message.p = [focal, 0.0, width / 2, 0.0, 0.0, focal, height / 2, 0.0, 0.0, 0.0, 1.0, 0.0]
    message.header.frame_id = f"{camera}_color_optical_frame"
    return message


def _reliable(topic: Topic) -> Topic:
    return replace(topic, qos=topics.LOSSLESS_IMAGE_QOS)


def main() -> None:
    """Entry point ``twin_node``."""
    run_node(TwinNode)


if __name__ == "__main__":
    main()
