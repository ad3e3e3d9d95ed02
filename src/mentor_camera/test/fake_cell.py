"""A camera and an arm for the tests: they publish images that carry their time, and motions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import rclpy
from clockface import MS, clock_image
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor

from mentor_common import topics
from mentor_common.experience import nanoseconds_to_time
from mentor_common.images import array_to_image
from mentor_msgs.msg import Motion, Observation

CAMERAS = ("side", "slot_1", "slot_2")
TASK = Path(__file__).parents[3] / "launch" / "tasks" / "cable_routing.yaml"


@contextmanager
def stacker_process(**parameters: object) -> Iterator[subprocess.Popen]:
    """The stacker as a process of its own."""
    arguments = ["--ros-args", "-p", f"task:={TASK}"]
    for name, value in parameters.items():
        arguments += ["-p", f"{name}:={value}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "mentor_camera.stacker_node", *arguments], env=dict(os.environ)
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        finally:
            process.kill()


class FakeCell:
    """Publishes images and motions, and hears observations and diagnostics, over real DDS."""

    def __init__(self) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node("fake_cell", context=self.context)
        self._images = {
            camera: self.node.create_publisher(t.type, t.name, t.qos)
            for camera in CAMERAS
            for t in [topics.camera_image(camera)]
        }
        self._motions = self.node.create_publisher(Motion, "motion", topics.EXPERIENCE_QOS)
        self.observations: dict[tuple[int, int], Observation] = {}
        self.heard = 0
        self.diagnostics: list[tuple[int, str]] = []
        self.node.create_subscription(
            Observation, "observation", self._on_observation, topics.EXPERIENCE_QOS
        )
        self.node.create_subscription(
            DiagnosticArray, "/diagnostics", self._on_diagnostics, topics.DIAGNOSTICS.qos
        )
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin)
        self._thread.start()

    def close(self) -> None:
        """Stops."""
        self._executor.shutdown()
        self._thread.join()
        self.node.destroy_node()
        self.context.try_shutdown()

    def wait(self, done: Callable[[], bool], seconds: float) -> bool:
        """Whether it comes about in time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if done():
                return True
            time.sleep(0.005)
        return done()

    def wait_for_stacker(self) -> None:
        """Until the stacker hears all topics."""
        publishers = [*self._images.values(), self._motions]

        def connected() -> bool:
            return all(p.get_subscription_count() > 0 for p in publishers) and bool(
                self.node.get_publishers_info_by_topic("/observation")
            )

        assert self.wait(connected, 20.0), "the stacker did not come"
        time.sleep(0.1)

    def image(self, camera: str, time_ms: int, height: int = 48, width: int = 64) -> None:
        """Publishes an image that spells its stamp."""
        pixels = clock_image(time_ms * MS, height, width)
        stamp = nanoseconds_to_time(time_ms * MS)
        self._images[camera].publish(array_to_image(pixels, "rgb8", stamp, camera))

    def images(self, *times_ms: int, cameras: tuple[str, ...] = CAMERAS) -> None:
        """Publishes images of all these cameras at these times."""
        for time_ms in times_ms:
            for camera in cameras:
                self.image(camera, time_ms)

    def motion(self, episode: int, step: int, begin_ms: int, end_ms: int) -> None:
        """Publishes a motion."""
        message = Motion(episode=episode, step=step)
        message.begin = nanoseconds_to_time(begin_ms * MS)
        message.end = message.header.stamp = nanoseconds_to_time(end_ms * MS)
        self._motions.publish(message)

    def observation(self, episode: int, step: int, seconds: float = 5.0) -> Observation:
        """The observation of a step; fails if it does not come."""
        assert self.wait(lambda: (episode, step) in self.observations, seconds), (
            f"no observation of episode {episode} step {step}"
        )
        return self.observations[episode, step]

    def _on_observation(self, message: Observation) -> None:
        self.heard += 1
        self.observations[message.episode, message.step] = message

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if "stacker" in status.name:
                self.diagnostics.append((status.level[0], status.message))
