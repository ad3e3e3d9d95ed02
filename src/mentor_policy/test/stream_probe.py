"""A subscriber of the whole stream, to count against it."""

from __future__ import annotations

import threading
import time
import zlib
from itertools import pairwise
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from mentor_common.messages import topics

QOS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=5000,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.VOLATILE,
)

Key = tuple[int, int]


class StreamProbe:
    """Hears observation, action, reward, weights and training of a cell; a context manager."""

    def __init__(self, namespace: str) -> None:
        self.observations: dict[Key, int] = {}
        """CRC-32 of the pixels by (episode, step)."""
        self.actions: dict[Key, tuple[float, ...]] = {}
        self.rewards: dict[Key, float] = {}
        self.action_times: list[float] = []
        """time.monotonic() of every action, in order."""
        self.weights: list[tuple[int, int]] = []
        """Version and updates of every publication of weights."""
        self.stats: list[Any] = []
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self._node = rclpy.create_node("probe", context=self._context, namespace=namespace)
        for topic, callback in (
            (topics.OBSERVATION, self._on_observation),
            (topics.ACTION, self._on_action),
            (topics.REWARD, self._on_reward),
            (topics.POLICY_WEIGHTS, self._on_weights),
            (topics.TRAINING, self.stats.append),
        ):
            self._node.create_subscription(topic.type, topic.name, callback, QOS)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def __enter__(self) -> StreamProbe:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def publish(self, topic: topics.Topic, message: Any) -> None:
        """Publish a message as a stranger would; it stays latched where the topic is."""
        publisher = self._node.create_publisher(topic.type, topic.name, topic.qos)
        publisher.publish(message)

    @property
    def transitions(self) -> list[Key]:
        """Steps (from 1 on) whose action, reward and observation went over the topics."""
        return sorted(
            (e, k)
            for e, k in self.rewards
            if (e, k) in self.observations and (e, k - 1) in self.actions
        )

    @property
    def steps_played(self) -> int:
        """Steps that the cell has ended, by its observations.

        Of an agent that has just started the first actions may go unheard.
        """
        return sum(step > 0 for _, step in self.observations)

    def wait_for_actions(self, count: int, seconds: float = 120.0) -> bool:
        """Wait until so many further actions have come."""
        target, until = len(self.action_times) + count, time.monotonic() + seconds
        while len(self.action_times) < target:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    def wait_for_quiet(self, quiet: float = 1.0, seconds: float = 60.0) -> bool:
        """Wait until no action has come for ``quiet`` seconds."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            heard = len(self.action_times)
            time.sleep(quiet)
            if len(self.action_times) == heard:
                return True
        return False

    def wait_until_gone(self, topic: topics.Topic, seconds: float = 60.0) -> bool:
        """Wait until nobody publishes the topic: who was killed is there until its lease ends."""
        until = time.monotonic() + seconds
        while self._node.count_publishers(topic.name) and time.monotonic() < until:
            time.sleep(0.05)
        return not self._node.count_publishers(topic.name)

    def longest_pause(self, since: int = 0) -> float:
        """Longest time between two actions, seconds, from action number ``since`` on."""
        times = self.action_times[since:]
        return max((b - a for a, b in pairwise(times)), default=0.0)

    def _spin(self) -> None:
        while not self._stop.is_set():
            self._executor.spin_once(timeout_sec=0.1)

    def _on_observation(self, message: Any) -> None:
        key = (message.episode, message.step)
        self.observations.setdefault(key, zlib.crc32(message.data))

    def _on_action(self, message: Any) -> None:
        self.action_times.append(time.monotonic())
        if message.header.frame_id != topics.EVALUATION:
            self.actions.setdefault((message.episode, message.step), tuple(message.data))

    def _on_reward(self, message: Any) -> None:
        self.rewards.setdefault((message.episode, message.step), message.value)

    def _on_weights(self, message: Any) -> None:
        self.weights.append((message.version, message.update))
