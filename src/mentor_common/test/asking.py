"""Asking a service or an action server until the answer comes, and answers that do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.action import ActionServer


def answer(send: Callable[[], Any], wait: Callable[[Any, float], Any]) -> Any:
    """Sends a request, and again while there is no answer; returns the answer.

    Whoever has just met a client may not know yet where its answers go: Fast DDS throws them away
    after 0.1 s, and on a loaded machine discovery takes longer. For requests that may come twice.

    Args:
        send: sends it and returns the future.
        wait: waits for a future for so many seconds.
    """
    for seconds in (4.0, 8.0, 16.0, 32.0):
        future = send()
        wait(future, seconds)
        if future.done():
            return future.result()
    raise AssertionError("no answer in a minute")


def leave_one_goal_unanswered() -> None:
    """The next goal that an action server of this process gets is thrown away in silence."""
    server: Any = ActionServer
    usual = server._execute_goal_request

    async def not_this_one(self: Any, request: Any) -> None:
        server._execute_goal_request = usual

    server._execute_goal_request = not_this_one
