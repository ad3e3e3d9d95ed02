"""Learning beside the environment: updates run in a thread while the arm moves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class BackgroundLearner:
    """Runs updates one after the other in a thread, up to what has been allowed.

    Args:
        update: one update.
    """

    def __init__(self, update: Callable[[], None]) -> None:
        self._update = update
        self._condition = threading.Condition()
        self._allowed = 0
        self._done = 0
        self._waiting = 0
        self._busy = False
        self._stopped = False
        self._error: BaseException | None = None
        self._worked = 0.0
        self._measured = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="learner", daemon=True)
        self._thread.start()

    def allow(self, updates: int) -> None:
        """Allow this many updates in all since the start: the cap."""
        with self._condition:
            self._raise()
            self._allowed = max(self._allowed, updates)
            self._condition.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Have the agent to oneself; waits for the update that is running, and goes first.

        Raises:
            whatever an update raised.
        """
        with self._condition:
            self._waiting += 1
            try:
                self._condition.wait_for(lambda: not self._busy)
                self._raise()
                yield
            finally:
                self._waiting -= 1
                self._condition.notify_all()

    def drain(self) -> None:
        """Wait until everything that was allowed is done."""
        with self._condition:
            self._condition.wait_for(lambda: self._error or self._done >= self._allowed)
            self._raise()

    def idle(self) -> float:
        """Share of the time since the last call in which no update ran, 0 to 1."""
        with self._condition:
            now = time.monotonic()
            passed, worked = now - self._measured, self._worked
            self._measured, self._worked = now, 0.0
        return max(0.0, 1.0 - worked / passed) if passed else 1.0

    def close(self) -> None:
        """Finish the update that is running, and stop."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(
                    lambda: self._stopped or (not self._waiting and self._done < self._allowed)
                )
                if self._stopped:
                    return
                self._busy = True
            began = time.monotonic()
            try:
                self._update()
            except BaseException as error:
                self._error = error
                self._stopped = True
            with self._condition:
                self._busy = False
                self._done += 1
                self._worked += time.monotonic() - began
                self._condition.notify_all()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
