"""Motions, observations and true states for the tests, and the rewards that they lead to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import String

from mentor_common import topics
from mentor_common.experience import observation_message
from mentor_common.task import load_task
from mentor_msgs.msg import Motion, Observation, Reward

TASK_FILE = Path(__file__).parents[3] / "launch" / "tasks" / "cable_routing.yaml"
TASK = load_task(TASK_FILE)


@contextmanager
def reward_process(**parameters: object) -> Iterator[subprocess.Popen]:
    """The reward node as a process of its own."""
    arguments = ["--ros-args", "-p", f"task:={TASK_FILE}"]
    for name, value in parameters.items():
        arguments += ["-p", f"{name}:={value}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "mentor_reward.reward_node", *arguments], env=dict(os.environ)
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        finally:
            process.kill()


class FakeStream:
    """Publishes what leads to rewards, over real DDS, and keeps the rewards."""

    def __init__(self) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node("fake_stream", context=self.context)
        qos = topics.EXPERIENCE_QOS
        self._motions = self.node.create_publisher(Motion, "motion", qos)
        self._observations = self.node.create_publisher(Observation, "observation", qos)
        self._truth = self.node.create_publisher(String, "truth/slot_states", qos)
        self.rewards: list[Reward] = []
        self.diagnostics: list[tuple[int, str]] = []
        self.node.create_subscription(Reward, "reward", self.rewards.append, qos)
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
        while time.monotonic() < until and not done():
            time.sleep(0.005)
        return done()

    def wait_for_node(self) -> None:
        """Until the reward node hears and is heard."""

        def connected() -> bool:
            return self._motions.get_subscription_count() > 0 and bool(
                self.node.get_publishers_info_by_topic("/reward")
            )

        assert self.wait(connected, 40.0), "the reward node did not come"
        time.sleep(0.2)

    def motion(self, episode: int, step: int, failed: str = "") -> None:
        """Publishes a motion that ended at 100 + step seconds."""
        message = Motion(episode=episode, step=step, failed=bool(failed), reason=failed)
        message.begin, message.end = Time(sec=99 + step), Time(sec=100 + step)
        message.header.stamp = message.end
        self._motions.publish(message)

    def observation(self, episode: int, step: int, pixels: np.ndarray | None = None) -> None:
        """Publishes an observation."""
        if pixels is None:
            pixels = np.zeros(TASK.layout.shape, np.uint8)
        stamp = Time(sec=100 + step)
        self._observations.publish(observation_message(pixels, TASK.layout, episode, step, stamp))

    def truth(self, episode: int, step: int, slot_1: int, slot_2: int) -> None:
        """Publishes the true states."""
        fields = {"episode": episode, "step": step, "slot_1": slot_1, "slot_2": slot_2}
        self._truth.publish(String(data=json.dumps(fields)))

    def reward(self, episode: int, step: int, seconds: float = 5.0) -> Reward:
        """The reward of a step; fails if it does not come, or comes twice."""

        def found() -> list[Any]:
            return [r for r in self.rewards if (r.episode, r.step) == (episode, step)]

        assert self.wait(lambda: bool(found()), seconds), f"no reward({episode}, {step})"
        (reward,) = found()
        return reward

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if "reward" in status.name:
                self.diagnostics.append((status.level[0], status.message))
