"""One attempt at a reset: a routine's parts done one after the other by a body."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from mentor_reset.routines.routine import Move, Part, Rest, Routine


class StageFailed(RuntimeError):
    """A stage that did not do what it should: its name and the reason."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(f"stage '{stage}': {reason}")
        self.stage = stage


class Body(Protocol):
    """Who moves. Its methods block, and raise StageFailed with the reason of a failure."""

    def move(self, part: Move) -> np.ndarray:
        """Does a move; returns the normalised position that was reached, shape (axes,)."""
        ...

    def rest(self, part: Rest) -> np.ndarray:
        """Waits until nothing moves; returns the normalised position, shape (axes,)."""
        ...


def run_routine(routine: Routine, body: Body, told: Callable[[Part], None]) -> np.ndarray:
    """Has the body do a routine; ``told`` hears of each part before it begins.

    Returns: the normalised position, shape (axes,), at which the episode begins.
    Raises: StageFailed.
    """
    part = next(routine)
    while True:
        told(part)
        reached = body.move(part) if isinstance(part, Move) else body.rest(part)
        try:
            part = routine.send(reached)
        except StopIteration:
            return reached
