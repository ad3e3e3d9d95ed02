"""The server of an action, whose goals are executed by plain functions."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Any

from rclpy.action import CancelResponse, GoalResponse
from rclpy.logging import LoggingSeverity

from mentor_common.messages.topics import Interface
from mentor_common.node.debug_log import debug
from mentor_common.node.goal_intake import GoalIntake
from mentor_common.node.goal_senders import GoalSenders
from mentor_common.node.remote_action import Cancelled
from mentor_common.node.working_node import WorkingNode


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

    A goal of the node that holds the cell is replaced by that node's goals only. Of other senders'
    goals, a few a second are examined at most. While the node is not active, goals are rejected.

    ``execute(goal)`` returns the result message; its field ``success`` decides whether the goal
    succeeds. It runs in a thread of its own, or on the executor's thread if not ``threaded`` (then
    it must be short).
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
                result = self._failed(str(stop))
            except Exception as error:
                self._node.get_logger().error(f"goal of {self._name} failed: {error!r}")
                result = self._failed(f"{type(error).__name__}: {error}")
        # States and the result change on the executor's thread only.
        self._node.call_soon(lambda: handle.execute(lambda h: self._finish(h, result)))

    def _failed(self, message: str) -> Any:
        """Return the result of a goal that was not carried out: its numbers are NaN, as a width of
        0 would be that of an empty gripper."""
        result = self._type.Result(success=False, message=message)
        for name, kind in result.get_fields_and_field_types().items():
            if kind in ("float", "double"):
                setattr(result, name, math.nan)
        return result

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
