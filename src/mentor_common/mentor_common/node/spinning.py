"""Runs a node's callbacks; those of a step take a short way while steps come one after the other.

rclpy's executor asks all of a node's twenty or so services, timers and subscriptions at each
turn, which costs more than a message takes over DDS. So while messages come on the ``low_latency``
subscriptions, only these are waited for, and the rest gets its turn some thirty times a second.

By ``bench/executors.py`` a message to a node and back takes 1.7 times as long with rclpy's executor
alone. rclpy's EventsExecutor does not serve: that of rclpy 9.1.2 holds the interpreter while it
waits, no message of the benchmark was answered. Nor does it call what keeps broken messages from
ending a node (:mod:`mentor_common.node.guarded_executor`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from mentor_common.node.direct_reader import DirectReader, take_with_info
from mentor_common.node.guarded_executor import GuardedExecutor

SWEEP = 0.03
"""Seconds between two turns of everything else, while steps come one after the other."""
PATIENCE = 0.03
"""Seconds without a low-latency message after which the executor takes over again."""
TURNS = 8
"""Callbacks that a sweep runs at most."""


class LowLatencySubscriptions:
    """The subscriptions of a node that a step waits for."""

    def __init__(self) -> None:
        self._subscriptions: list[tuple[Any, Callable[[Any, Any], None]]] = []
        self._reader: DirectReader | None = None
        self.received = 0.0

    def add(self, subscription: Any, callback: Callable[[Any, Any], None]) -> None:
        """Add a subscription, whose callback the executor calls too."""
        self._subscriptions.append((subscription, callback))
        self._reader = None

    def clear(self) -> None:
        """Forget all, as they are destroyed."""
        self._subscriptions.clear()
        self._reader = None

    def spin(self, executor: GuardedExecutor, stopped: Callable[[], bool]) -> None:
        """Run callbacks until no low-latency message has arrived for a while."""
        sweep = time.monotonic() + SWEEP
        while self._subscriptions and not stopped():
            now = time.monotonic()
            if now >= sweep:
                for _ in range(TURNS):
                    if not executor.run_next(0.0):
                        break
                now = time.monotonic()
                sweep = now + SWEEP
            if now - self.received > PATIENCE:
                return
            self._wait(executor, sweep - now)
            for subscription, callback in list(self._subscriptions):
                self._take_all(subscription, callback, executor.dropped)

    def _wait(self, executor: GuardedExecutor, seconds: float) -> None:
        if not self._subscriptions:
            return
        if self._reader is None:
            self._reader = DirectReader(executor.context, [made for made, _ in self._subscriptions])
        self._reader.wait(seconds)

    def _take_all(
        self,
        subscription: Any,
        callback: Callable[[Any, Any], None],
        dropped: Callable[[str], None],
    ) -> None:
        for message, info in take_with_info(subscription, dropped):
            callback(message, info)
            if subscription not in (known for known, _ in self._subscriptions):
                return
