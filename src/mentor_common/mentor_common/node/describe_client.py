"""DescribeClient: the client of ``describe``, which describes the environment of a cell."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from mentor_common.messages.topics import DESCRIBE
from mentor_common.node.caller import Caller
from mentor_common.node.remote_action import Cancelled, RemoteTimeout
from mentor_msgs.srv import Describe

ANSWER_TIMEOUT = 2.0
"""Seconds after which a request that is not answered is sent again."""


class DescribeClient:
    """Asks the environment of a cell for its description until it answers.

    Args:
        caller: who asks, and how they wait.
        name: name of the service.
    """

    def __init__(self, caller: Caller, name: str = DESCRIBE.name) -> None:
        self._caller = caller
        self._client: Any = caller.node.create_client(Describe, name)
        self.name: str = caller.node.resolve_service_name(name)

    def call(
        self,
        until: float,
        *,
        ready: bool = False,
        cancelled: Callable[[], bool] = lambda: False,
        on_wait: Callable[[str], None] = lambda why: None,
    ) -> Describe.Response:
        """Ask until the environment answers.

        Args:
            until: time.monotonic() at which waiting ends.
            ready: whether the environment must also be ready for an episode.
            cancelled: polled while waiting; True ends the wait.
            on_wait: called with the reason why there is no answer yet, again and again.
        Raises: RemoteTimeout, with the reason; Cancelled.
        """

        def check() -> None:
            if cancelled():
                raise Cancelled(f"cancelled while waiting for {self.name}")

        while True:
            why = f"nobody serves {self.name} (usually the {DESCRIBE.server})"
            if self._client.service_is_ready():
                future = self._client.call_async(Describe.Request())
                self._caller.wait(future, min(until, time.monotonic() + ANSWER_TIMEOUT), check)
                answer: Any = future.result() if future.done() else None
                if answer is None:
                    self._client.remove_pending_request(future)
                    why = f"{self.name} does not answer"
                elif answer.ready or not ready:
                    return answer
                else:
                    why = f"{answer.environment} is not ready: {answer.message}"
            check()
            if time.monotonic() >= until:
                raise RemoteTimeout(why)
            on_wait(why)
            self._caller.wait(None, min(until, time.monotonic() + 0.1), check)
