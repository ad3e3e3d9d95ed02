"""The agent's end of the topics: waits on DDS directly, with no executor in between.

The rest (the reset action, ``describe``) is rare and goes through an executor: ``ros_requests.py``.
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
from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.exceptions import InvalidHandle
from rclpy.node import Node
from rclpy.parameter import Parameter

from mentor_common.env.environment_peers import EnvironmentPeers
from mentor_common.env.ros_requests import POLL, EnvironmentLost, Requests
from mentor_common.messages import topics
from mentor_common.messages.cdr import CdrError, read_observation, read_reward
from mentor_common.node.caller import SpinningCaller
from mentor_common.node.claim import CellHeldError
from mentor_common.node.claims import TOPIC, Claims
from mentor_common.node.dds import configure_dds
from mentor_common.node.direct_reader import DirectReader, NoExecutor, take_messages
from mentor_common.node.drop_log import DropLog
from mentor_common.node.guarded_executor import GuardedExecutor
from mentor_msgs.msg import ExpertUsage

log = logging.getLogger("mentor.ros_env")


class RosLink:
    """Publishes actions, receives observations and rewards.

    One thread uses it at a time; only :meth:`close` may come from another one.

    Args:
        namespace: namespace of the cell.
        node: node whose namespace, remappings, clock and context are taken, and in whose name
            actions are published and observations and rewards received; None for own ones.
        use_sim_time: whether actions are stamped by ``/clock`` (without a node only).
        on_observation: called with each observation.
        on_reward: called with each reward.

    Attributes:
        requests: the clients of ``describe`` and ``reset_episode``.
        peers: who publishes observations and rewards.
        unreadable: messages that were none of their type.
    """

    def __init__(
        self,
        namespace: str,
        node: Any,
        use_sim_time: bool,
        on_observation: Callable[[Any], None],
        on_reward: Callable[[Any], None],
    ) -> None:
        self._closed = False
        self._waiting = threading.Lock()
        self._parent = node
        resolve = self._make_node(namespace, node)
        self.unreadable = 0
        self._drops = DropLog(log.warning)
        self._observations = self._subscribe(topics.OBSERVATION)
        self._rewards = self._subscribe(topics.REWARD)
        self._stream: tuple[tuple[Any, Callable[[bytes], Any], Callable[[Any], None]], ...] = (
            (self._observations, read_observation, on_observation),
            (self._rewards, read_reward, on_reward),
        )
        self._clock: Any = None
        if use_sim_time and node is None:
            self._clock = self._subscribe(topics.CLOCK, raw=False)
        self._sim_time = Time()
        self._experts: Any = None
        self._actions = self._publish(topics.ACTION)
        claims = self._claims = Claims(self._node, resolve(TOPIC))
        key = lambda: claims.mine.key if claims.mine else None  # noqa: E731
        caller = SpinningCaller(self._node, self.spin, key, claims.idle)
        holder = lambda: claims.living_holder_of(self._actions.topic_name)  # noqa: E731
        self.requests = Requests(caller, resolve, self.check_held, holder)
        self.peers = EnvironmentPeers(self._node, resolve, self._claims)
        self._executor = GuardedExecutor(self._drop, context=self._context)
        self._executor.add_node(self._node)
        self._guard = self._node.create_guard_condition(lambda: None, callback_group=NoExecutor())
        self._reader: DirectReader | None = DirectReader(
            self._context, [self._observations, self._rewards], self._guard
        )

    def now(self, newest: Time) -> Time:
        """Return the time with which an action is stamped: ROS time, never before ``newest``, the
        stamp of the observation that it answers."""
        if self._parent is not None:
            stamp = self._parent.get_clock().now().to_msg()
        elif self._clock is not None:
            for message in take_messages(self._clock):
                self._sim_time = message.clock
            stamp = self._sim_time
        else:
            nanoseconds = time.time_ns()
            return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
        later = (stamp.sec, stamp.nanosec) < (newest.sec, newest.nanosec)
        return newest if later else stamp

    def claim_cell(self) -> None:
        """Become the agent that acts in this cell. Raises: CellHeldError where another one does."""
        if self._claims.mine is None:
            self._announce(active=False)
            self._claims.settle()
        self.check_held()
        if self._claims.mine is None or not self._claims.mine.active:
            self._announce(active=True)

    def check_held(self) -> None:
        """Hold the cell no more where another agent does. Raises: CellHeldError."""
        try:
            self._claims.check()
        except CellHeldError:
            self._announce(active=False)
            raise

    def send(self, message: bytes) -> None:
        """Publish an action, given as its CDR bytes."""
        if self._closed:
            raise EnvironmentLost("this RosEnv is closed")
        self._actions.publish(message)

    def send_experts(
        self, episode: int, step: int, stamp: Time, weights: npt.NDArray[np.float32]
    ) -> None:
        """Publish which experts chose an action; the publisher is made when there are any.

        Args:
            episode: episode of the action.
            step: step of the action.
            stamp: stamp of the action.
            weights: weights of each expert, (experts,).
        """
        if self._experts is None:
            self._experts = self._publish(topics.EXPERT_USAGE)
        message = ExpertUsage(episode=episode, step=step)
        message.header.stamp = stamp
        message.weights = array("f", np.ascontiguousarray(weights, np.float32).tobytes())
        self._experts.publish(message)

    def wait(
        self,
        done: Callable[[], bool],
        until: float,
        what: str,
        missing: Callable[[], tuple[bool, bool]],
    ) -> None:
        """Hand incoming messages to the callbacks until ``done``; other threads run meanwhile.

        Args:
            done: whether enough has arrived.
            until: time.monotonic() at which waiting ends.
            what: what is waited for, for the error.
            missing: whether the observation and the reward are missing, for the error.
        Raises: EnvironmentLost.
        """
        with self._waiting:
            check = time.monotonic() + POLL
            while True:
                if self._closed:
                    raise EnvironmentLost(f"closed while waiting for {what}")
                self._take()
                if done():
                    return
                now = time.monotonic()
                if now >= until:
                    raise EnvironmentLost(self.peers.overdue(what, *missing()))
                if now >= check:
                    check = now + POLL
                    self.peers.check(what)
                assert self._reader is not None
                # Slices, so that Ctrl-C is noticed.
                self._reader.wait(min(until, check) - now)

    def spin(self, done: Callable[[], bool], until: float) -> None:
        """Serve the clients' callbacks until ``done``, or until a time.monotonic() is reached."""
        with self._waiting:
            while not done():
                left = until - time.monotonic()
                if left <= 0.0:
                    return
                if self._closed:
                    raise EnvironmentLost("this RosEnv is closed")
                self._executor.spin_once(timeout_sec=min(left, POLL))
                self._take()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Raise EnvironmentLost where this was closed, before or meanwhile."""
        if self._closed:
            raise EnvironmentLost("this RosEnv is closed")
        try:
            yield
        except InvalidHandle as error:
            if not self._closed:
                raise
            raise EnvironmentLost("this RosEnv was closed meanwhile") from error

    def close(self) -> None:
        """Leave the graph; may be called twice, and from another thread."""
        if self._closed:
            return
        self._closed = True
        self._guard.trigger()
        with self._waiting:
            self.requests.destroy()
            self._executor.remove_node(self._node)
            self._executor.shutdown()
            self._reader = None
            self._leave_parent()
            self._node.destroy_node()
            if self._parent is None:
                self._context.try_shutdown()

    # Inner workings.

    def _announce(self, active: bool) -> None:
        known = self._parent.get_fully_qualified_name() if self._parent else "a RosEnv"
        self._claims.announce(known, [self._actions.topic_name], active)

    def _make_node(self, namespace: str, node: Any) -> Callable[[str], str]:
        """Make the node behind the link; return what gives a name its namespace."""
        resolve: Callable[[str], str] = lambda name: name  # noqa: E731
        if node is None:
            configure_dds()
            self._context = Context()
            rclpy.init(
                args=[],
                context=self._context,
                signal_handler_options=rclpy.signals.SignalHandlerOptions.NO,
            )
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
        return resolve

    def _publish(self, topic: topics.Topic) -> Any:
        """Return a publisher of the parent's: who acts is who the graph names; else an own one."""
        return (self._parent or self._node).create_publisher(
            topic.type,
            topic.name,
            topic.qos,
            event_callbacks=PublisherEventCallbacks(use_default_callbacks=False),
        )

    def _subscribe(self, topic: topics.Topic, raw: bool = True) -> Any:
        """Return a subscription, of the parent's as :meth:`_publish`, that no executor serves."""
        return (self._parent or self._node).create_subscription(
            topic.type,
            topic.name,
            lambda _: None,
            topic.qos,
            callback_group=NoExecutor(),
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
            raw=raw,
        )

    def _leave_parent(self) -> None:
        """Destroy what was made on the parent; which may have done so already, in its cleanup."""
        if self._parent is None:
            return
        for publisher in (self._actions, self._experts):
            if publisher is not None:
                self._parent.destroy_publisher(publisher)
        for subscription, *_ in self._stream:
            self._parent.destroy_subscription(subscription)

    def _take(self) -> None:
        """Pass on the new messages. Raw, as the client library's own readers end the process at
        some broken messages."""
        for subscription, read, pass_on in self._stream:
            for raw in take_messages(subscription):
                try:
                    message = read(raw)
                except CdrError as error:
                    self._drop(f"a message on {subscription.topic_name}: {error}")
                    continue
                pass_on(message)

    def _drop(self, text: str) -> None:
        self.unreadable += 1
        self._drops.note(f"dropped {text}")
