"""Who calls an action or a service, and how they wait for the answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from rclpy.node import Node
from rclpy.task import Future

from mentor_common.node.working_node import WorkingNode

SLICE = 0.25
"""Seconds of wall time between two checks of whoever spins, whether to continue waiting."""
WORKER_SLICE = 0.02
"""The same of a worker thread, whose checks cost less."""


class Caller(Protocol):
    """What a client needs of the code that calls it.

    Attributes:
        node: node that the client belongs to.
    """

    node: Any

    @property
    def key(self) -> str | None:
        """The key of the caller's claim, which marks its goals; None: it claims nothing."""
        ...

    def inactive(self) -> list[str]:
        """Return which nodes of the cell do not work, each with the state that it is in."""
        ...

    def submit(self, work: Callable[[], None]) -> None:
        """Run ``work`` on the thread of the callbacks."""
        ...

    def wait(self, future: Future | None, until: float, check: Callable[[], None]) -> None:
        """Wait until a future is done, or a time is reached.

        Args:
            future: waited for; None: only the time is.
            until: time.monotonic() at which waiting ends.
            check: called again and again; what it raises ends the wait.
        """
        ...


class WorkerCaller:
    """A worker thread of a node, whose executor serves the callbacks meanwhile.

    Args:
        node: node that the thread belongs to.
        key: returns the key of the node's claim.
    """

    def __init__(self, node: WorkingNode, key: Callable[[], str | None]) -> None:
        self.node = node
        self._key = key

    @property
    def key(self) -> str | None:
        """See Caller."""
        return self._key()

    def inactive(self) -> list[str]:
        """See Caller."""
        return self.node.inactive_peers()

    def submit(self, work: Callable[[], None]) -> None:
        """See Caller."""
        self.node.call_soon(work)

    def wait(self, future: Future | None, until: float, check: Callable[[], None]) -> None:
        """See Caller. Raises: RuntimeError on the thread of the callbacks."""
        self.node.refuse_on_executor("an answer")
        done = threading.Event()
        if future is not None:
            future.add_done_callback(lambda _: done.set())
        while not done.wait(min(WORKER_SLICE, max(0.0, until - time.monotonic()))):
            check()
            if time.monotonic() >= until:
                return


class SpinningCaller:
    """The only thread of its node, which serves the callbacks itself while it waits.

    Args:
        node: node that it belongs to.
        spin: serves the node's callbacks until a condition holds or a time.monotonic() is reached.
        key: returns the key of the claim of whoever asks.
        inactive: which nodes of the cell do not work, with their states.
    """

    def __init__(
        self,
        node: Node,
        spin: Callable[[Callable[[], bool], float], None],
        key: Callable[[], str | None],
        inactive: Callable[[], list[str]],
    ) -> None:
        self.node = node
        self.inactive = inactive
        self._spin, self._key = spin, key

    @property
    def key(self) -> str | None:
        """See Caller."""
        return self._key()

    def submit(self, work: Callable[[], None]) -> None:
        """See Caller."""
        work()

    def wait(self, future: Future | None, until: float, check: Callable[[], None]) -> None:
        """See Caller."""
        done = future.done if future is not None else lambda: False
        while not done() and (now := time.monotonic()) < until:
            self._spin(done, min(until, now + SLICE))
            if not done():
                check()
