"""Runs callbacks; a request that cannot be carried out ends no node.

The client library raises where a request makes no sense, e.g. a parameter's value of a type that
does not exist, or where whoever asked is gone before the answer. Its executors pass this on, which
would end the process: anybody on the network could do that with one request.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from rclpy.action import ActionClient, ActionServer
from rclpy.client import Client
from rclpy.executors import ShutdownException, SingleThreadedExecutor, TimeoutException
from rclpy.service import Service

from mentor_common.node.bounded_memory import bounded_memory, needs_bound

_ASKING = (Service, Client, ActionServer, ActionClient)
LONGEST = 300
"""Characters of a text about what was dropped, which may quote a request, at most."""


class GuardedExecutor(SingleThreadedExecutor):
    """Runs callbacks one after the other, and drops requests and answers that raise.

    What a timer, a subscription or a task raises is a fault of our own, and raised as ever.

    Args:
        dropped: called with a text for each request or answer that was dropped.
        arguments: arguments of rclpy's executor.
    """

    def __init__(self, dropped: Callable[[str], None], **arguments: Any) -> None:
        super().__init__(**arguments)
        self._dropped = dropped

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait for a callback and run it; seconds of wall time, None: without end."""
        self.run_next(timeout_sec)

    def run_next(self, timeout_sec: float | None = None) -> bool:
        """Do as :meth:`spin_once`; return whether there was a callback."""
        try:
            task, entity, _ = self.wait_for_ready_callbacks(timeout_sec)
        except (TimeoutException, ShutdownException):
            return False
        task()
        error = task.exception()
        if error is None:
            return True
        unreadable = isinstance(error, MemoryError)
        if not isinstance(error, Exception) or not (unreadable or isinstance(entity, _ASKING)):
            raise error
        self._dropped(f"{_name_of(entity)}: {type(error).__name__}: {error}"[:LONGEST])
        return True

    # What rclpy calls to read a request that has come.

    def _take_service(self, srv: Any) -> Any:
        with bounded_memory() if needs_bound(srv.srv_type.Request) else nullcontext():
            return super()._take_service(srv)

    def _take_waitable(self, waitable: Any) -> Any:
        with bounded_memory() if _takes_open_goals(waitable) else nullcontext():
            return super()._take_waitable(waitable)


def _takes_open_goals(waitable: Any) -> bool:
    return isinstance(waitable, ActionServer) and needs_bound(waitable._action_type.Goal)


def _name_of(entity: Any) -> str:
    if isinstance(entity, Service | Client):
        return f"the service {entity.srv_name}"
    if topic := getattr(entity, "topic_name", ""):
        return f"a message on {topic}"
    return f"the action {getattr(entity, 'action_name', '')}".rstrip()
