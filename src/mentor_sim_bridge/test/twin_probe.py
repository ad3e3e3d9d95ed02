"""A twin in a process of its own, and a node that plays agent, stacker and reset node to it."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import rclpy
from asking import answer
from cell_process import end_gently
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor

from mentor_common.messages import topics
from mentor_common.messages.experience import (
    action_message,
    nanoseconds_to_time,
    time_to_nanoseconds,
)
from mentor_common.messages.images import image_to_rgb, resize, stack_planes
from mentor_msgs.action import Gripper, MoveTo, Recover
from mentor_msgs.msg import GroundTruth, Motion
from mentor_sim_bridge.nodes.twin_node import FAIL
from mentor_sim_bridge.twins.cable.scene import CAMERAS

_numbers = itertools.count()


class TwinProbe:
    """Starts the twin; a context manager.

    Args:
        cameras: cameras of the task, in the order of the observation.
        parameters: parameters of the twin.
    """

    def __init__(self, cameras: tuple[str, ...] = CAMERAS, **parameters: Any) -> None:
        self.cameras = cameras
        self.namespace = f"/twin_{os.getpid()}_{next(_numbers)}"
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        command = [sys.executable, "-m", "mentor_sim_bridge.nodes.twin_node", "--ros-args"]
        command += ["-r", f"__ns:={self.namespace}", "-r", f"/clock:={self.namespace}/clock"]
        for name, value in {"task": "cable_routing", **parameters}.items():
            command += ["-p", f"{name}:={value}"]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node("probe", namespace=self.namespace, context=self.context)
        self.motions: dict[tuple[int, int], Motion] = {}
        self._newest = 0
        self.true_states: dict[tuple[int, int], GroundTruth] = {}
        self.images: dict[str, dict[int, np.ndarray]] = {camera: {} for camera in self.cameras}
        self.received: dict[str, Any] = {}
        self.status = ""
        """Message of the twin's last report on /diagnostics."""
        subscribe = self.node.create_subscription
        subscribe(topics.MOTION.type, "motion", self._on_motion, topics.MOTION.qos)
        topic = topics.GROUND_TRUTH
        subscribe(topic.type, topic.name, self._on_ground_truth, topic.qos)
        for topic in (
            topics.ROBOT_DESCRIPTION,
            topics.CURRENT_POSE,
            topics.JOINT_STATES,
            topics.WRENCH,
        ):
            subscribe(topic.type, topic.name, self._remember(topic.name), topic.qos)
        subscribe(topics.CLOCK.type, "clock", self._remember("clock"), topics.CLOCK.qos)
        topic = topics.DIAGNOSTICS
        subscribe(topic.type, topic.name, self._on_diagnostics, topic.qos)
        for camera in self.cameras:
            topic = topics.camera_image(camera)
            subscribe(topic.type, topic.name, self._on_image(camera), topics.LOSSLESS_IMAGE_QOS)
        self.actions = self.node.create_publisher(topics.ACTION.type, "action", topics.ACTION.qos)
        self.mover: Any = ActionClient(self.node, MoveTo, "move_to")
        self.recoverer: Any = ActionClient(self.node, Recover, "recover")
        self.gripper: Any = ActionClient(self.node, Gripper, "gripper")
        self.describer = self.node.create_client(topics.DESCRIBE.type, "describe")
        self.failer = self.node.create_client(FAIL.type, "twin/fail")
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def __enter__(self) -> TwinProbe:
        try:
            self.wait(lambda: self.node.count_publishers("motion") > 0)
            self.wait(lambda: self.describe().ready)
            self.wait(lambda: "clock" in self.received)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        end_gently(self.process)
        self._over.set()
        self._thread.join()
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)
        self.log.close()

    @property
    def output(self) -> str:
        """What the twin has said."""
        self.log.seek(0)
        return self.log.read()

    def _on_diagnostics(self, message: Any) -> None:
        for status in message.status:
            if status.hardware_id == f"{self.namespace}/twin":
                self.status = status.message

    def wait(self, condition: Callable[[], Any], seconds: float = 60.0, must: bool = True) -> Any:
        """The condition's first true value; None if it does not come and need not."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert self.process.poll() is None, self.output
            value = condition()
            if value:
                return value
            time.sleep(0.005)
        assert not must, f"in vain for {seconds:g} s; the twin said:\n{self.output}"
        return None

    def describe(self) -> Any:
        """The answer of `describe`."""
        assert self.describer.wait_for_service(60.0), self.output
        return self._answer(lambda: self.describer.call_async(topics.DESCRIBE.type.Request()))

    def fail(self) -> Any:
        """Has the next motion end in a fault."""
        return self._answer(lambda: self.failer.call_async(FAIL.type.Request()))

    def move(self, **goal: Any) -> Any:
        """The result of `move_to`; None if the goal was rejected."""
        return self.call(self.mover, MoveTo.Goal(**goal))

    def call(self, client: Any, message: Any) -> Any:
        """The result of an action; None if the goal was rejected."""
        assert client.wait_for_server(60.0), self.output
        # On the thread that spins: rclpy 9.1.2 may hear a quick answer before it keeps the future.
        handle = self._answer(
            lambda: self._result(self.executor.create_task(lambda: client.send_goal_async(message)))
        )
        return self._result(handle.get_result_async()).result if handle.accepted else None

    def begin(self, episode: int, seed: int, start: np.ndarray, offset: Any = ()) -> Motion:
        """Begins an episode."""
        target = np.asarray(start, np.float32).tolist()
        result = self.move(
            episode=episode,
            begins_episode=True,
            seeded=True,
            seed=seed,
            target=target,
            window_offset=np.asarray(offset, np.float32).tolist(),
        )
        assert result.success, result.message
        return self.wait(lambda: self.motions.get((episode, 0)))

    def send(self, episode: int, step: int, data: Any, age: float = 0.0, **options: Any) -> None:
        """Publishes an action, stamped `age` seconds ago."""
        # As agents do: the clock may come later than the motion that it belongs to.
        now = max(time_to_nanoseconds(self.received["clock"].clock), self._newest)
        stamp = nanoseconds_to_time(now - round(age * 1e9))
        self.actions.publish(action_message(data, episode, step, stamp, **options))

    def step(self, episode: int, step: int, data: Any, **options: Any) -> Motion:
        """Acts, and waits for the motion."""
        self.send(episode, step, data, **options)
        return self.wait(lambda: self.motions.get((episode, step + 1)))

    def observation(self, motion: Motion) -> np.ndarray:
        """(9 x cameras, 84, 84): the frames that a stacker would take for this motion."""
        begin, end = time_to_nanoseconds(motion.begin), time_to_nanoseconds(motion.end)
        moments = (begin, (begin + end) // 2, end)
        self.wait(lambda: all(t in self.images[c] for c in self.cameras for t in moments))
        return stack_planes(
            [
                resize(self.images[camera][moment], 84, 84)
                for camera in self.cameras
                for moment in moments
            ]
        )

    def _on_motion(self, message: Motion) -> None:
        self._newest = max(self._newest, time_to_nanoseconds(message.end))
        self.motions[message.episode, message.step] = message

    def _on_ground_truth(self, message: GroundTruth) -> None:
        self.true_states[message.episode, message.step] = message

    def _on_image(self, camera: str) -> Callable[[Any], None]:
        def heard(message: Any) -> None:
            stamp = time_to_nanoseconds(message.header.stamp)
            self.images[camera][stamp] = image_to_rgb(message)

        return heard

    def _remember(self, name: str) -> Callable[[Any], None]:
        return lambda message: self.received.__setitem__(name, message)

    def _answer(self, send: Callable[[], Any]) -> Any:
        return answer(send, lambda future, seconds: self.wait(future.done, seconds, False))

    def _result(self, future: Any) -> Any:
        self.wait(future.done)
        return future.result()

    def _spin(self) -> None:
        while not self._over.is_set():
            self.executor.spin_once(0.05)
