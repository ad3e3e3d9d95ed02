"""Actions behind plain calls: serving one from a worker thread, and calling one from there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient, CancelResponse, GoalResponse
from rclpy.logging import LoggingSeverity
from rclpy.task import Future

from mentor_common.messages.topics import Interface
from mentor_common.node.debug_log import debug
from mentor_common.node.goal_intake import GoalIntake
from mentor_common.node.goal_senders import GoalSenders, goal_id
from mentor_common.node.working_node import WorkingNode

PATIENCE = 5.0
"""Seconds after which a goal that nobody has answered is sent again, the next time twice as many.

Whoever serves it may not know yet that somebody waits for the answer, which is then lost: Fast DDS
gives up after 0.1 s, and on a loaded machine discovery takes longer. A newer goal replaces the
older one at every server of this project, so that sending it again is safe.
"""


class Cancelled(Exception):
    """The goal was cancelled, replaced by a newer one, or its node stops."""


class RemoteError(RuntimeError):
    """A remote action or service failed: who, and why."""


class RemoteMissing(RemoteError):
    """Nobody serves the action or service, or whoever did is gone."""


class RemoteTimeout(RemoteError):
    """The remote action or service took too long."""


class Goal:
    """One goal under way, as the function that executes it sees it."""

    def __init__(self, handle: Any, feedback_type: Any) -> None:
        self._handle = handle
        self._feedback_type = feedback_type
        self._stop = threading.Event()

    @property
    def request(self) -> Any:
        """The goal message."""
        return self._handle.request

    @property
    def cancelled(self) -> bool:
        """Whether to stop."""
        return self._stop.is_set() or bool(self._handle.is_cancel_requested)

    def feedback(self, **fields: Any) -> None:
        """Publish feedback with these fields."""
        self._handle.publish_feedback(self._feedback_type(**fields))

    def check(self) -> None:
        """Raise Cancelled if the goal is cancelled."""
        if self.cancelled:
            raise Cancelled("cancelled")

    def wait(self, seconds: float) -> None:
        """Sleep, in wall time. Raises: Cancelled as soon as the goal is cancelled."""
        until = time.monotonic() + seconds
        while True:
            self.check()
            left = until - time.monotonic()
            if left <= 0.0:
                return
            self._stop.wait(min(left, 0.05))

    def stop(self) -> None:
        """Ask the executing function to stop."""
        self._stop.set()


class GoalServer:
    """Serves an action of a node, one goal at a time; a newer goal replaces the running one.

    A goal of whoever holds the cell is replaced by its own only. Of others' goals, no more than
    a few a second are looked at. While the node is not active, goals are rejected.

    ``execute(goal)`` returns the result message; its field ``success`` decides whether the goal
    succeeds. It runs in a thread of its
    own, or on the executor's thread if not ``threaded`` (then it must be short).
    """

    def __init__(
        self,
        node: WorkingNode,
        interface: Interface,
        execute: Callable[[Goal], Any],
        senders: GoalSenders,
        dropped: Callable[[str, int], None],
        *,
        threaded: bool = True,
        accept: Callable[[Any], str | None] | None = None,
    ) -> None:
        self._node = node
        self._type = interface.type
        self._name = node.resolve_topic_name(interface.name)
        self._execute = execute
        self._threaded = threaded
        self._accept = accept
        self._senders, self._dropped = senders, dropped
        self._current: Goal | None = None
        self._of_holder = False
        self._busy = threading.Lock()
        self._server = GoalIntake(
            senders,
            dropped,
            node,
            interface.type,
            self._name,
            self._finish_empty,
            goal_callback=self._on_goal,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            handle_accepted_callback=self._on_accepted,
        )
        # It logs each request for the result of a goal that does not exist.
        node.get_logger().get_child("action_server").set_level(LoggingSeverity.ERROR)

    @property
    def busy(self) -> bool:
        """Whether a goal is being executed."""
        return self._busy.locked()

    def stop(self) -> None:
        """Ask the running goal, if any, to stop."""
        current = self._current
        if current is not None:
            current.stop()

    def _on_goal(self, request: Any) -> GoalResponse:
        reason: str | None = None
        if not self._node.active:
            reason = f"the node is {self._node.state_label}"
        elif self._accept is not None:
            reason = self._accept(request)
        reason = reason or self._refusal_for_sender(self._server.taken)
        if reason:
            self._dropped(f"goal of {self._name} rejected: {reason}", 1)
            return GoalResponse.REJECT
        debug(self._node, lambda: f"goal of {self._name} accepted: {request}")
        return GoalResponse.ACCEPT

    def _refusal_for_sender(self, goal: bytes) -> str:
        if self._of_holder and self.busy and not self._senders.by_holder(goal):
            return "a goal of whoever holds the cell is under way"
        return self._senders.refusal(goal)

    def _on_accepted(self, handle: Any) -> None:
        goal = Goal(handle, self._type.Feedback)
        self.stop()
        self._current = goal
        self._of_holder = self._senders.by_holder(bytes(handle.goal_id.uuid))
        if self._threaded:
            self._node.start_worker(f"goal of {self._name}", lambda: self._run(goal, handle))
        else:
            self._run(goal, handle)

    def _run(self, goal: Goal, handle: Any) -> None:
        with self._busy:
            try:
                goal.check()
                result = self._execute(goal)
            except Cancelled as stop:
                result = self._type.Result(success=False, message=str(stop))
            except Exception as error:
                self._node.get_logger().error(f"goal of {self._name} failed: {error!r}")
                result = self._type.Result(
                    success=False, message=f"{type(error).__name__}: {error}"
                )
        # States and the result change on the executor's thread only.
        self._node.call_soon(lambda: handle.execute(lambda h: self._finish(h, result)))

    def _finish(self, handle: Any, result: Any) -> Any:
        debug(self._node, lambda: f"goal of {self._name} ends: {result}")
        if result.success:
            handle.succeed()
        elif handle.is_cancel_requested:
            handle.canceled()
        else:
            handle.abort()
        return result

    def _finish_empty(self, handle: Any) -> Any:
        return self._type.Result()


class RemoteAction:
    """Calls an action, blocking; for worker threads, never for the executor's own.

    Args:
        node: that calls it.
        interface: the action.
        key: returns the key of the node's claim, which marks its goals.
    """

    def __init__(
        self, node: WorkingNode, interface: Interface, key: Callable[[], str | None]
    ) -> None:
        self._node = node
        self._key = key
        self._type = interface.type
        self._name = node.resolve_topic_name(interface.name)
        self._usual = interface.server
        self._client: Any = ActionClient(node, interface.type, interface.name)

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
            on_feedback: called with each feedback message, on the executor's thread.
            cancelled: asked all the time; True cancels the goal.
        Returns: the result message, whatever its success.
        Raises: RemoteMissing, RemoteTimeout, RemoteError if rejected, Cancelled.
        """
        self._node.refuse_on_executor(f"the action {self._name}")
        debug(self._node, lambda: f"calls {self._name}: {goal}")
        until = time.monotonic() + timeout
        while not self._client.server_is_ready():
            self._pause(until, cancelled, f"nobody serves the action {self._name}", RemoteMissing)
        handle = self._taken(goal, on_feedback, until, cancelled)
        done = handle.get_result_async()
        try:
            self._await(done, until, cancelled, "finishes")
        except (RemoteTimeout, Cancelled):
            handle.cancel_goal_async()
            raise
        answer: Any = done.result()
        if answer.status == GoalStatus.STATUS_UNKNOWN:
            raise RemoteError(f"the action {self._name} ({self._usual}) forgot the goal")
        return answer.result

    def _taken(
        self,
        goal: Any,
        on_feedback: Callable[[Any], None] | None,
        until: float,
        cancelled: Callable[[], bool],
    ) -> Any:
        patience = PATIENCE
        while True:
            again = time.monotonic() + patience
            answered = self._send(goal, on_feedback)
            try:
                self._await(answered, min(until, again), cancelled, "answers")
            except (RemoteTimeout, Cancelled) as error:
                answered.add_done_callback(lambda late: late.result().cancel_goal_async())
                if isinstance(error, Cancelled) or again >= until:
                    raise
                patience *= 2
                continue
            handle: Any = answered.result()
            if not handle.accepted:
                whose = ", ".join(self._node.inactive_peers())
                why = f": {whose}" if whose else ""
                raise RemoteError(f"the action {self._name} ({self._usual}) rejected the goal{why}")
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
                goal, feedback_callback=listener, goal_uuid=goal_id(self._key())
            )
            sent.add_done_callback(lambda _: answered.set_result(sent.result()))

        self._node.call_soon(send)
        return answered

    def _await(self, future: Any, until: float, cancelled: Callable[[], bool], verb: str) -> None:
        event = threading.Event()
        future.add_done_callback(lambda _: event.set())
        next_check = time.monotonic() + 0.5
        while not event.wait(0.02):
            now = time.monotonic()
            if cancelled():
                raise Cancelled(f"cancelled while waiting for {self._name}")
            if now > until:
                raise RemoteTimeout(f"the action {self._name} ({self._usual}) never {verb}")
            if now > next_check:
                next_check = now + 0.5
                if not self._client.server_is_ready():
                    raise RemoteMissing(
                        f"whoever served the action {self._name} ({self._usual}) is gone"
                    )

    def _pause(
        self, until: float, cancelled: Callable[[], bool], why: str, error: type[RemoteError]
    ) -> None:
        if cancelled():
            raise Cancelled(f"cancelled: {why}")
        if time.monotonic() > until:
            raise error(f"{why} (usually the {self._usual})")
        time.sleep(0.05)
