"""What a person asks of a running training, from another thread: to wait, to end, to evaluate."""

from __future__ import annotations

import threading
from collections.abc import Callable

PERIOD = 0.05
"""Seconds between two checks whether a pause is over."""


class TrainingRequests:
    """Set from the thread of the services, followed by that of the training.

    A pause begins before the next action and keeps the arm where it is; what ends the episode, or
    evaluates, comes when the episode is over.
    """

    def __init__(self) -> None:
        self._paused = threading.Event()
        self._evaluate = threading.Event()
        self.stop_after_episode = False
        """Whether the training ends, with a checkpoint, when the running episode is over."""

    def pause(self) -> None:
        """Choose no further action until :meth:`resume`."""
        self._paused.set()

    def resume(self) -> None:
        """Go on after a pause; takes back that the training is to end."""
        self._paused.clear()
        self.stop_after_episode = False

    def evaluate(self) -> None:
        """Evaluate before the next episode."""
        self._evaluate.set()

    def evaluation_due(self) -> bool:
        """Return whether somebody has asked for an evaluation since the last call."""
        asked = self._evaluate.is_set()
        self._evaluate.clear()
        return asked

    def wait(self, stopped: Callable[[], bool]) -> None:
        """Return when there is no pause, or when ``stopped``."""
        while self._paused.is_set() and not stopped():
            threading.Event().wait(PERIOD)
