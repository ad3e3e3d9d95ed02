"""Learning beside the environment: updates run in a thread while the arm moves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class BackgroundLearner:
    """Runs updates one after the other in a thread, up to what has been allowed.

    Args:
        update: one update; False if there is nothing to learn from yet, which counts as none, and
            the next one waits until more is allowed.
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
        self._busy = self._idle = False
        self._stopped = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="learner", daemon=True)
        self._thread.start()

    def allow(self, updates: int) -> None:
        """Allow this many updates in all since the start: the cap."""
        with self._condition:
            self._raise()
            self._allowed = max(self._allowed, updates)
            self._idle = False
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
        """Wait until all but ``behind`` of what was allowed is done, as far as there is something
        to learn from; False if ``stop`` came before.

        Raises:
            whatever an update raised.
        """
        with self._condition:
            while self._error is None and self._due > behind and not self._stop():
                self._condition.wait(0.1)
            self._raise()
            return self._due <= behind

    def close(self) -> None:
        """Stop when the update that is running is done."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._stopped or (not self._waiting and self._due))
                if self._stopped or self._stop():
                    return
                self._busy = True
            learned: object = False
            try:
                learned = self._update()
            except BaseException as error:
                self._error = error
                self._stopped = True
            with self._condition:
                self._busy = False
                self._done += learned is not False
                self._idle = learned is False
                self._condition.notify_all()

    @property
    def _due(self) -> int:
        return 0 if self._idle else self._allowed - self._done

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
