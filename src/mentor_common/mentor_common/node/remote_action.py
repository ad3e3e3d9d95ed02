"""RemoteAction: the client of somebody else's action, behind a call that blocks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.task import Future

from mentor_common.messages.topics import Interface
from mentor_common.node.caller import Caller
from mentor_common.node.client_errors import OneAtATime
from mentor_common.node.debug_log import debug
from mentor_common.node.goal_senders import goal_id

PATIENCE = 5.0
"""Seconds after which a goal that nobody has answered is sent again, the next time twice as many.

Whoever serves it may not know yet that somebody waits for the answer, which is then lost: Fast DDS
gives up after 0.1 s, and on a loaded machine discovery takes longer. A newer goal replaces the
older one at every server of this project, so that sending it again is safe.
"""
GRAPH_PERIOD = 0.25
"""Seconds between two checks whether the server is still there."""


class Cancelled(Exception):
    """The goal was cancelled, replaced by a newer one, or its node stops."""


class RemoteError(RuntimeError):
    """A remote action or service failed: who, and why."""


class RemoteMissing(RemoteError):
    """Nobody serves the action or service, or whoever did is gone."""


class RemoteTimeout(RemoteError):
    """The remote action or service took too long."""


class GoalRejected(RemoteError):
    """The server does not accept the goal."""


class _Client(OneAtATime, ActionClient):
    """rclpy's, which takes one answer at a time."""


class RemoteAction:
    """Sends goals to an action and waits for their results; every goal of this project.

    Args:
        caller: who calls it, and how they wait.
        interface: the action.
    """

    def __init__(self, caller: Caller, interface: Interface) -> None:
        self._caller, self._node = caller, caller.node
        self._name: str = self._node.resolve_topic_name(interface.name)
        self._usual = interface.server
        self._client: Any = _Client(self._node, interface.type, interface.name)
        self._under_way: list[Any] = []  # handles of goals whose results are awaited
        self._ending = threading.Lock()

    @property
    def served(self) -> bool:
        """Whether somebody serves the action now."""
        return bool(self._client.server_is_ready())

    def call(
        self,
        goal: Any,
        timeout: float,
        *,
        on_feedback: Callable[[Any], None] | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Any:
        """Send the goal and wait for its result.

        Args:
            goal: the goal message.
            timeout: seconds of wall time for the whole.
            on_feedback: called with each feedback message, on the thread of the callbacks.
            cancelled: polled while waiting; True cancels the goal.
        Returns: the result message, whatever its success.
        Raises: RemoteMissing, RemoteTimeout, GoalRejected, RemoteError, Cancelled.
        """
        debug(self._node, lambda: f"calls {self._name}: {goal}")
        until = time.monotonic() + timeout
        self._await_server(until, cancelled)
        server = self._server_endpoints()
        handle = self._accepted(goal, on_feedback, until, cancelled, server)
        self._under_way.append(handle)
        done = handle.get_result_async()
        try:
            self._await(done, until, cancelled, server, "finishes")
        except BaseException:
            self._cancel(handle)
            raise
        with self._ending:
            if handle in self._under_way:
                self._under_way.remove(handle)
        answer: Any = done.result()
        if answer.status == GoalStatus.STATUS_UNKNOWN:
            raise RemoteError(f"the action {self._name} ({self._usual}) forgot the goal")
        return answer.result

    def destroy(self) -> None:
        """Destroy the client, before its node is; goals under way are cancelled."""
        with self._ending:
            for handle in self._under_way:
                self._cancel_now(handle)
            self._under_way.clear()
            self._client.destroy()

    # Inner workings.

    def _await_server(self, until: float, cancelled: Callable[[], bool]) -> None:
        missing = f"nobody serves the action {self._name}"
        while not self._client.server_is_ready():
            if cancelled():
                raise Cancelled(f"cancelled: {missing}")
            if time.monotonic() > until:
                raise RemoteMissing(f"{missing} (usually the {self._usual})")
            self._caller.wait(None, time.monotonic() + 0.05, lambda: None)

    def _accepted(
        self,
        goal: Any,
        on_feedback: Callable[[Any], None] | None,
        until: float,
        cancelled: Callable[[], bool],
        server: frozenset[bytes],
    ) -> Any:
        """Send the goal, again where nobody answers; return its handle. Raises: as ``call``."""
        patience = PATIENCE
        while True:
            again = time.monotonic() + patience
            answered = self._send(goal, on_feedback)
            try:
                self._await(answered, min(until, again), cancelled, server, "answers")
            except (RemoteTimeout, Cancelled) as error:
                answered.add_done_callback(lambda late: late.result().cancel_goal_async())
                if isinstance(error, Cancelled) or again >= until:
                    raise
                patience *= 2
                continue
            handle: Any = answered.result()
            if not handle.accepted:
                whose = ", ".join(self._caller.inactive())
                why = f": {whose}" if whose else ""
                raise GoalRejected(
                    f"the action {self._name} ({self._usual}) rejected the goal{why}"
                )
            return handle

    def _send(self, goal: Any, on_feedback: Callable[[Any], None] | None) -> Any:
        """Send the goal; return a future of its handle.

        The goal goes out on the callbacks' thread: rclpy 9.1.2 notes the future that it returns
        only after the request has left, so that a quick answer could arrive before it.
        """
        answered: Any = Future()
        listener = None if on_feedback is None else lambda m: on_feedback(m.feedback)

        def send() -> None:
            sent = self._client.send_goal_async(
                goal, feedback_callback=listener, goal_uuid=goal_id(self._caller.key)
            )
            sent.add_done_callback(lambda _: answered.set_result(sent.result()))

        self._caller.submit(send)
        return answered

    def _await(
        self,
        future: Any,
        until: float,
        cancelled: Callable[[], bool],
        server: frozenset[bytes],
        verb: str,
    ) -> None:
        """Wait for an answer of the server.

        Args:
            future: future of the answer.
            until: time.monotonic() at which waiting ends.
            cancelled: polled while waiting.
            server: endpoints of whoever got the goal; another server does not know it.
            verb: what the server is to do, for the error.
        Raises: Cancelled, RemoteTimeout, RemoteMissing.
        """
        next_check = time.monotonic() + GRAPH_PERIOD

        def check() -> None:
            nonlocal next_check
            if cancelled():
                raise Cancelled(f"cancelled while waiting for {self._name}")
            if time.monotonic() < next_check:
                return
            next_check = time.monotonic() + GRAPH_PERIOD
            replaced = server and server.isdisjoint(self._server_endpoints())
            if replaced or not self._client.server_is_ready():
                raise RemoteMissing(
                    f"whoever served the action {self._name} (usually the {self._usual}) is gone"
                )

        self._caller.wait(future, until, check)
        if not future.done():
            raise RemoteTimeout(f"the action {self._name} ({self._usual}) never {verb}")

    def _cancel(self, handle: Any) -> None:
        """Cancel a goal, once: whoever waits for it does, or whoever destroys this meanwhile."""
        with self._ending:
            if handle in self._under_way:
                self._under_way.remove(handle)
                self._cancel_now(handle)

    def _cancel_now(self, handle: Any) -> None:
        if self._node.context.ok():
            handle.cancel_goal_async()

    def _server_endpoints(self) -> frozenset[bytes]:
        infos = self._node.get_publishers_info_by_topic(f"{self._name}/_action/status")
        return frozenset(bytes(info.endpoint_gid) for info in infos)
