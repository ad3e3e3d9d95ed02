"""Learning beside the environment: updates run in a thread while the arm moves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class BackgroundLearner:
    """Runs updates one after the other in a thread, up to what has been allowed.

    Args:
        update: one update.
        stop: asked before each; True ends the learning.
    """

    def __init__(
        self, update: Callable[[], object], stop: Callable[[], bool] = lambda: False
    ) -> None:
        self._update = update
        self._stop = stop
        self._condition = threading.Condition()
        self._allowed = 0
        self._done = 0
        self._waiting = 0
        self._busy = False
        self._stopped = False
        self._error: BaseException | None = None
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
        """Keep updates away; wait for the one that is running, and go before the next.

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

    def drain(self, behind: int = 0) -> bool:
        """Wait until all but ``behind`` of what was allowed is done; False if ``stop`` came before.

        Raises:
            whatever an update raised.
        """
        with self._condition:
            while self._error is None and self._done + behind < self._allowed and not self._stop():
                self._condition.wait(0.1)
            self._raise()
            return self._done + behind >= self._allowed

    def close(self) -> None:
        """Stop when the update that is running is done."""
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
                if self._stopped or self._stop():
                    return
                self._busy = True
            try:
                self._update()
            except BaseException as error:
                self._error = error
                self._stopped = True
            with self._condition:
                self._busy = False
                self._done += 1
                self._condition.notify_all()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
