"""A call of a library that may block for long, waited for in turns that can be cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from typing import Any

from mentor_arm.backends.driver import CancelCheck
from mentor_common.node.handed_work import carry_out
from mentor_common.node.remote_action import Cancelled

POLL = 0.02  # seconds between two checks whether to wait no longer


class BackgroundCall:
    """One call at a time, in a thread of its own.

    A library's call cannot be stopped from outside: one that is waited for no longer goes on, and
    the next wait is for its result, instead of a second call beside it.

    Args:
        name: what it does; name of the thread, and in the messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._future: Future[Any] | None = None

    def result(self, call: Callable[[], Any], timeout: float, cancelled: CancelCheck) -> Any:
        """Return what the call returns, of one begun earlier if it has not been fetched.

        Args:
            call: what to call.
            timeout: seconds of wall time.
            cancelled: polled while waiting.

        Raises:
            TimeoutError: no result in time.
            Cancelled: `cancelled` was True.
            Exception: what the call raises.
        """
        if self._future is None:
            future: Future[Any] = Future()
            threading.Thread(
                target=lambda: carry_out(call, future), name=self.name, daemon=True
            ).start()
            self._future = future
        until = time.monotonic() + timeout
        while not wait_for((self._future,), POLL).done:
            if cancelled():
                raise Cancelled(f"cancelled: {self.name}")
            if time.monotonic() > until:
                raise TimeoutError(f"{self.name}: no answer for {timeout:g} s")
        future, self._future = self._future, None
        return future.result()
