"""The agent's end of the topics: waits on DDS directly, with no executor between.

A wait set that holds only what a step needs costs a tenth of an executor's turn. The rest (the
reset action, ``describe``) is rare, and goes through an executor: ``ros_requests.py``.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import rclpy
from builtin_interfaces.msg import Time
from rclpy.context import Context
from rclpy.exceptions import InvalidHandle
from rclpy.executors import SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile

from mentor_common.env.ros_requests import LOOK, EnvironmentLost, Requests
from mentor_common.messages import topics
from mentor_common.messages.cdr import read_observation, read_reward
from mentor_common.node.dds import ask_for_short_lease
from mentor_common.node.peers import NOT_NAMED_YET, node_names
from mentor_msgs.msg import Action, ExpertUsage, Observation, Reward

log = logging.getLogger("mentor.ros_env")

# Raw where it can be: the client library's own readers die of some broken messages.
_READERS: dict[Any, Callable[[bytes], Any]] = {
    Observation: read_observation,
    Reward: read_reward,
}


class RosLink:
    """Publishes actions, hears observations and rewards; ``requests`` asks for the rest.

    One thread uses it at a time; only :meth:`close` may come from another one.
    """

    def __init__(
        self,
        namespace: str,
        node: Any,
        use_sim_time: bool,
        on_observation: Callable[[Observation], None],
        on_reward: Callable[[Reward], None],
    ) -> None:
        self._closed = False
        self._waiting = threading.Lock()
        self._parent = node
        self._own_context = node is None
        if node is None:
            ask_for_short_lease()
            self._context = Context()
            rclpy.init(
                args=[],
                context=self._context,
                signal_handler_options=rclpy.signals.SignalHandlerOptions.NO,
            )
            resolve: Callable[[str], str] = lambda name: name  # noqa: E731
        else:
            self._context = node.context
            namespace = namespace or node.get_namespace()
            resolve = node.resolve_topic_name
        # The leading underscore hides it from `ros2 node list`, as it is no node of the cell.
        self._node = Node(
            f"_ros_env_{os.getpid()}_{id(self) & 0xFFFFFF:x}",
            context=self._context,
            namespace=namespace,
            use_global_arguments=False,
            enable_rosout=False,
            start_parameter_services=False,
            parameter_overrides=[
                Parameter("start_type_description_service", Parameter.Type.BOOL, False)
            ],
        )
        self._handlers = (on_observation, on_reward)
        self.unreadable = 0
        self._observations = self._subscribe(topics.OBSERVATION, resolve, self._on_observation)
        self._rewards = self._subscribe(topics.REWARD, resolve, on_reward)
        self._resolve = resolve
        self._experts: Any = None
        self._actions = self._node.create_publisher(
            Action, resolve(topics.ACTION.name), topics.ACTION.qos
        )
        self.requests = Requests(self._node, resolve, self._spin)
        self._clock_subscription: Any = None
        self._sim_time = Time()
        if use_sim_time and node is None:
            self._clock_subscription = self._subscribe(
                topics.CLOCK, resolve, self._on_clock, topics.CLOCK_QOS
            )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._guard = self._node.create_guard_condition(lambda: None)
        self._wait_set: Any = _rclpy.WaitSet(2, 1, 0, 0, 0, 0, self._context.handle)
        self._newest_stamp = Time()
        self._usual_body = f"{topics.MOTION.publisher} or benchmark bridge"
        self._peers: dict[str, frozenset[Any]] = {}
        self._names: dict[str, str] = {}

    def now(self) -> Time:
        """The time with which an action is stamped: ROS time, never before the observation."""
        if self._parent is not None:
            stamp = self._parent.get_clock().now().to_msg()
        elif self._clock_subscription is not None:
            self._drain(self._clock_subscription, self._on_clock)
            stamp = self._sim_time
        else:
            nanoseconds = time.time_ns()
            return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
        newest = self._newest_stamp
        later = (stamp.sec, stamp.nanosec) < (newest.sec, newest.nanosec)
        return newest if later else stamp

    def send(self, message: bytes) -> None:
        """Publishes an action, given as its CDR bytes."""
        if self._closed:
            raise EnvironmentLost("this RosEnv is closed")
        self._actions.publish(message)

    def send_experts(
        self, episode: int, step: int, stamp: Time, weights: npt.NDArray[np.float32]
    ) -> None:
        """Publish which experts chose an action; the publisher is made when there are any.

        Args:
            episode: of the action.
            step: of the action.
            stamp: of the action.
            weights: of each expert, (experts,).
        """
        if self._experts is None:
            topic = topics.EXPERT_USAGE
            self._experts = self._node.create_publisher(
                topic.type, self._resolve(topic.name), topic.qos
            )
        message = ExpertUsage(episode=episode, step=step)
        message.header.stamp = stamp
        message.weights = array("f", np.ascontiguousarray(weights, np.float32).tobytes())
        self._experts.publish(message)

    def wait(
        self,
        done: Callable[[], bool],
        until: float,
        what: str,
        missing: Callable[[], tuple[bool, bool]] = lambda: (True, False),
    ) -> None:
        """Hands incoming messages to the handlers until ``done``; lets other threads run.

        Args:
            until: time.monotonic() at which waiting ends.
            what: what is waited for, for the error.
            missing: whether the observation and the reward are missing, for the error.
        Raises: EnvironmentLost.
        """
        with self._waiting:
            look = time.monotonic() + LOOK
            while True:
                if self._closed:
                    raise EnvironmentLost(f"closed while waiting for {what}")
                self._drain(self._observations, self._on_observation)
                self._drain(self._rewards, self._handlers[1])
                if done():
                    return
                now = time.monotonic()
                if now >= until:
                    raise EnvironmentLost(self._overdue(what, missing))
                if now >= look:
                    look = now + LOOK
                    self._check_peers(what)
                self._wait_for_message(min(until, look) - now)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Where this is closed, before or meanwhile, EnvironmentLost says so."""
        if self._closed:
            raise EnvironmentLost("this RosEnv is closed")
        try:
            yield
        except InvalidHandle as error:
            if not self._closed:
                raise
            raise EnvironmentLost("this RosEnv was closed meanwhile") from error

    def close(self) -> None:
        """Leaves the graph; may be called twice, and from another thread."""
        if self._closed:
            return
        self._closed = True
        self._guard.trigger()
        with self._waiting:
            self.requests.destroy()
            self._executor.remove_node(self._node)
            self._executor.shutdown()
            self._wait_set = None
            self._node.destroy_node()
            if self._own_context:
                self._context.try_shutdown()

    # Inner workings.

    def _subscribe(
        self,
        topic: topics.Topic,
        resolve: Callable[[str], str],
        handler: Callable[[Any], None],
        qos: QoSProfile | None = None,
    ) -> Any:
        return self._node.create_subscription(
            topic.type, resolve(topic.name), handler, qos or topic.qos
        )

    def _wait_for_message(self, seconds: float) -> None:
        wait_set = self._wait_set
        observations, rewards, guard = (
            self._observations.handle, self._rewards.handle, self._guard.handle
        )  # fmt: skip
        with observations, rewards, guard:
            wait_set.clear_entities()
            wait_set.add_subscription(observations)
            wait_set.add_subscription(rewards)
            wait_set.add_guard_condition(guard)
            # Slices, so that Ctrl-C is heard.
            wait_set.wait(max(1, int(min(seconds, LOOK) * 1e9)))

    def _drain(self, subscription: Any, handler: Callable[[Any], None]) -> None:
        handle, kind = subscription.handle, subscription.msg_type
        read = _READERS.get(kind)
        with handle:
            while True:
                try:
                    taken = handle.take_message(kind, read is not None)
                    message = None if taken is None else read(taken[0]) if read else taken[0]
                except Exception as error:  # bytes of another type; DDS has thrown them away
                    self.unreadable += 1
                    log.warning(
                        "a message on %s is no %s: %s", subscription.topic_name, kind, error
                    )
                    continue
                if taken is None:
                    return
                handler(message)

    def _on_observation(self, message: Observation) -> None:
        self._newest_stamp = message.header.stamp
        self._handlers[0](message)

    def _on_clock(self, message: Any) -> None:
        self._sim_time = message.clock

    def _spin(self, done: Callable[[], bool], until: float) -> None:
        with self._waiting:
            while not done():
                left = until - time.monotonic()
                if left <= 0.0:
                    return
                if self._closed:
                    raise EnvironmentLost("this RosEnv is closed")
                self._executor.spin_once(timeout_sec=min(left, LOOK))

    def remember_peers(self) -> None:
        """Notes who publishes now: a step that waits for one of these ends when it is gone."""
        for subscription, usual in (
            (self._observations, topics.OBSERVATION.publisher),
            (self._rewards, topics.REWARD.publisher),
        ):
            name = subscription.topic_name
            infos = self._node.get_publishers_info_by_topic(name)
            self._peers[name] = frozenset(bytes(info.endpoint_gid) for info in infos)
            self._names[name] = f"the {usual}"
            self._learn_names(name, infos)

    def _learn_names(self, topic: str, infos: list[Any]) -> None:
        """Discovery tells of a publisher first and of its node's name later."""
        nodes = set(node_names(infos)) - {NOT_NAMED_YET}
        if nodes:
            self._names[topic] = ", ".join(sorted(nodes))

    def _check_peers(self, what: str) -> None:
        for name, before in self._peers.items():
            infos = self._node.get_publishers_info_by_topic(name)
            if before and before.isdisjoint(bytes(info.endpoint_gid) for info in infos):
                raise EnvironmentLost(
                    f"{self._names[name]}, which published {name}, is gone (waited for {what})"
                )
            self._learn_names(name, infos)
        actions = self._actions.topic_name
        if not self._node.count_subscribers(actions):
            raise EnvironmentLost(
                f"nobody hears {actions} any more, the {self._usual_body} is gone "
                f"(waited for {what})"
            )

    def _overdue(self, what: str, missing: Callable[[], tuple[bool, bool]]) -> str:
        parts = []
        for subscription, gone, usual in zip(
            (self._observations, self._rewards),
            missing(),
            (topics.OBSERVATION.publisher, topics.REWARD.publisher),
            strict=True,
        ):
            if gone:
                name = subscription.topic_name
                if not self._node.count_publishers(name):
                    parts.append(f"nobody publishes {name} (usually the {usual})")
                else:
                    parts.append(f"{self._names.get(name, f'the {usual}')} is silent on {name}")
        if not self._node.count_subscribers(self._actions.topic_name):
            parts.append(f"nobody hears {self._actions.topic_name}")
        return f"no {what} in time: {'; '.join(parts)}"
