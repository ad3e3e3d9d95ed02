"""What the motion thread of an arm is to do, one job after the other, and for which goal."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TypeVar

from mentor_common.node.goal_server import Goal
from mentor_common.node.handed_work import carry_out
from mentor_common.node.remote_action import Cancelled

POLL = 0.05
"""Seconds of wall time between two checks of a goal that waits for its turn."""
T = TypeVar("T")


class MotionJobs:
    """Jobs of one motion thread; any thread may add some."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._goal: Goal | None = None

    def put(self, job: Callable[[], None]) -> None:
        """Add a job."""
        self._jobs.put(job)

    def run_next(self, timeout: float) -> bool:
        """Do the next job; return False if none comes within `timeout` seconds of wall time."""
        try:
            job = self._jobs.get(timeout=timeout) if timeout else self._jobs.get_nowait()
        except queue.Empty:
            return False
        job()
        return True

    def goal_cancelled(self) -> bool:
        """Return whether the goal of the running job, if it has one, is to end."""
        return self._goal is not None and self._goal.cancelled

    def carry_out(self, goal: Goal, work: Callable[[], T], stopping: threading.Event) -> T:
        """Have the motion thread do something for a goal, and wait for it in the goal's thread.

        Args:
            goal: the goal.
            work: what to do; a long one polls `goal_cancelled`.
            stopping: set while the node goes down.

        Returns:
            what `work` returns.

        Raises:
            Cancelled: before the work began, or by the work.
            Exception: what `work` raises.
        """
        future: Future[T] = Future()

        def job() -> None:
            self._goal = goal
            try:
                carry_out(work, future)
            finally:
                self._goal = None

        self.put(job)
        while True:
            try:
                return future.result(POLL)
            except FutureTimeout:
                if future.done():
                    raise  # a timeout of the work itself
                if goal.cancelled and future.cancel():
                    raise Cancelled("cancelled before it began") from None
                if stopping.is_set():
                    future.cancel()  # else it would begin after the next activation
                    raise Cancelled("the node goes down") from None
