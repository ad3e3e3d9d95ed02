"""Runs callbacks; a request that cannot be carried out ends no node.

The client library raises where a request makes no sense, e.g. a parameter's value of a type that
does not exist, or where whoever asked is gone before the answer. Its executors pass this on, which
would end the process: anybody on the network could do that with one request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.action import ActionClient, ActionServer
from rclpy.client import Client
from rclpy.executors import ShutdownException, SingleThreadedExecutor, TimeoutException
from rclpy.service import Service
from rclpy.subscription import Subscription

from mentor_common.node.client_errors import take_unreadable

_ASKING = (Service, Client, ActionServer, ActionClient)
LONGEST = 300
"""Characters of a text about what was dropped, which may quote a request, at most."""


class GuardedExecutor(SingleThreadedExecutor):
    """Runs callbacks one after the other, and drops requests and answers that raise.

    The client library's own subscriptions count as requests: a negative time on ``/clock`` raises
    in one. What a timer, a subscription or a task of ours raises is our fault, and raised as ever.

    Args:
        dropped: called with a text for each request or answer that was dropped.
        arguments: arguments of rclpy's executor.
    """

    def __init__(self, dropped: Callable[[str], None], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.dropped = dropped

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
        unreadable = take_unreadable()
        error = task.exception()
        if error is None:
            if unreadable:
                self.dropped(f"{_name_of(entity)}: what was sent cannot be read"[:LONGEST])
            return True
        theirs = isinstance(entity, _ASKING) or _is_read_by_library(entity)
        if not (isinstance(error, Exception) and theirs):
            raise error
        self.dropped(f"{_name_of(entity)}: {type(error).__name__}: {error}"[:LONGEST])
        return True


def _is_read_by_library(entity: Any) -> bool:
    if not isinstance(entity, Subscription):
        return False
    return str(getattr(entity.callback, "__module__", "")).startswith("rclpy.")


def _name_of(entity: Any) -> str:
    if isinstance(entity, Subscription):
        return f"a message on {entity.topic_name}"
    if isinstance(entity, Service | Client):
        return f"the service {entity.srv_name}"
    return f"the action {getattr(entity, 'action_name', '')}".rstrip()
