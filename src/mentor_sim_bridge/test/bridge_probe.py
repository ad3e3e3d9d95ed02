"""A probe at the topics of a bridge: publishes actions, receives all topics and diagnostics."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import rclpy
from asking import answer
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.action import ActionClient
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from mentor_common.messages import topics
from mentor_common.messages.experience import action_message
from mentor_msgs.action import ResetEpisode
from mentor_msgs.srv import Describe


class BridgeProbe:
    """A client of the bridge in a namespace; to be used with ``with``."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.observations: dict[tuple[int, int], Any] = {}
        self.rewards: dict[tuple[int, int], Any] = {}
        self.diagnostics: dict[str, str] = {}
        self.level = b"\x00"
        self.reports = 0
        self._context = Context()
        rclpy.init(context=self._context)
        self.node = Node("probe", context=self._context, namespace=namespace)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        for topic, callback in (
            (topics.OBSERVATION, lambda m: self.observations.update({(m.episode, m.step): m})),
            (topics.REWARD, lambda m: self.rewards.update({(m.episode, m.step): m})),
            (topics.DIAGNOSTICS, self._on_diagnostics),
        ):
            self.node.create_subscription(topic.type, topic.name, callback, topic.qos)
        self.publisher = self.node.create_publisher(
            topics.ACTION.type, topics.ACTION.name, topics.ACTION.qos
        )
        self._reset: Any = ActionClient(self.node, ResetEpisode, topics.RESET_EPISODE.name)
        self._describe = self.node.create_client(Describe, topics.DESCRIBE.name)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.hardware_id.startswith(self.namespace + "/benchmark_bridge"):
                self.diagnostics = {value.key: value.value for value in status.values}
                self.level = status.level
                self.reports += 1

    def until(self, done: Callable[[], Any], seconds: float = 60.0) -> Any:
        """Spins until ``done`` is true; fails after so many seconds."""
        end = time.monotonic() + seconds
        while not (found := done()):
            assert time.monotonic() < end, f"not within {seconds} s"
            self._executor.spin_once(0.02)
        return found

    def rest(self, seconds: float = 0.3) -> None:
        """Spins for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._executor.spin_once(0.02)

    def _wait(self, future: Any, seconds: float) -> None:
        self._executor.spin_until_future_complete(future, seconds)

    def describe(self) -> Describe.Response:
        """The environment's description, as soon as it is ready."""
        self.until(self._describe.service_is_ready)
        while True:
            found = answer(lambda: self._describe.call_async(Describe.Request()), self._wait)
            if found.ready:
                return found
            self.rest(0.1)

    def reset(self, seed: int | None = None, **options: str) -> Any:
        """Calls ``reset_episode``; option values are JSON texts. Returns its result."""
        self.until(self._reset.server_is_ready)
        goal = ResetEpisode.Goal(
            seeded=seed is not None,
            seed=seed or 0,
            option_names=list(options),
            option_values=list(options.values()),
        )
        handle = answer(lambda: self._reset.send_goal_async(goal), self._wait)
        if not handle.accepted:
            return None
        done = handle.get_result_async()
        self.until(done.done)
        result = done.result().result
        if result.success:
            self.until(lambda: (result.episode, 0) in self.observations)
        return result

    def act(
        self, data: Any, episode: int, step: int, deadline: float = 0.0, age: float = 0.0
    ) -> None:
        """Publishes an action, stamped ``age`` seconds ago."""
        stamp = self.node.get_clock().now() - rclpy.duration.Duration(nanoseconds=int(age * 1e9))
        self.publisher.publish(action_message(data, episode, step, stamp.to_msg(), deadline))

    def step(self, data: Any, episode: int, step: int) -> tuple[Any, Any]:
        """Publishes an action and waits for what it leads to."""
        self.act(data, episode, step)
        key = (episode, step + 1)
        self.until(lambda: key in self.observations and key in self.rewards)
        return self.observations[key], self.rewards[key]

    def counts(self) -> dict[str, float]:
        """The counters of a report that began after now."""
        wanted = self.reports + 2
        self.until(lambda: self.reports >= wanted)
        return {
            key: float(value)
            for key, value in self.diagnostics.items()
            if key.startswith(("actions", "episodes"))
        }

    def __enter__(self) -> BridgeProbe:
        self.until(lambda: self.node.count_subscribers(self.publisher.topic_name) > 0)
        return self

    def __exit__(self, *_: object) -> None:
        self._reset.destroy()
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.try_shutdown()
