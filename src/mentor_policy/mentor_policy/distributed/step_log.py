"""The newest training steps of an actor, on its own disk, for a learner that was away for long."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mentor_policy.agents.shape import Shape
from mentor_policy.replay import ReplayRing, RingHeader, Step
from mentor_policy.replay.records import CONTEXT
from mentor_policy.replay.stored_step import stored_step


@dataclass(frozen=True)
class BackfilledSteps:
    """Steps in the order in which they were taken.

    Attributes:
        steps: with the action that led to each, as the replay holds them.
        found: nothing between what was asked for and these is lost.
        more: there are further ones.
    """

    steps: tuple[Step, ...]
    found: bool
    more: bool


class StepLog:
    """The newest training steps of an actor, kept over its restarts.

    Args:
        folder: folder of the ring.
        shape: shape of the environment.
        capacity: steps that are kept.

    Raises:
        ReplayError: the folder holds a ring of another shape, or another actor writes it.
    """

    def __init__(self, folder: Path, shape: Shape, capacity: int) -> None:
        header = RingHeader(shape.layout, shape.action_size, shape.state_size, capacity, 1)
        self._ring = ReplayRing(folder, header)

    def add(self, step: Step) -> None:
        """Keep a step.

        Raises:
            ReplayError: the disk is full; what is kept stays.
        """
        self._ring.append(step)

    def oldest(self, limit: int) -> BackfilledSteps:
        """Return the first of the steps that are kept, oldest first."""
        numbers, _ = self._own()
        return self._page(numbers, limit, found=True)

    def after(self, episode: int, step: int, limit: int) -> BackfilledSteps:
        """Return the steps that were taken after one, oldest first.

        Numbers of episodes have no order: what counts is the order in which steps were taken. Where
        the log knows the episode but not the step, those after the newest step before it are meant.

        Args:
            episode: episode of the step.
            step: its number in the episode.
            limit: steps at most.
        """
        numbers, records = self._own()
        before = (records["episode"] == episode) & (records["step"] <= step)
        places = np.flatnonzero(before)
        if not len(places):  # older than the log, or of another actor
            return self._page(numbers, limit, found=False)
        return self._page(numbers[places[-1] + 1 :], limit, found=True)

    def _own(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.void]]:
        """Return numbers and records of the steps that are kept."""
        ring = self._ring
        # The writer may be about to reuse the oldest slot: keep a step away from it.
        oldest, count = ring.oldest + 1 if ring.oldest else 0, ring.count
        numbers = np.arange(oldest, count)
        records = ring.records[numbers % ring.slots]
        own = (records["flags"] & CONTEXT == 0) & ring.there(numbers)
        return numbers[own], records[own]

    def _page(self, numbers: npt.NDArray[np.int64], limit: int, *, found: bool) -> BackfilledSteps:
        steps = tuple(stored_step(self._ring, int(number)) for number in numbers[:limit])
        return BackfilledSteps(steps, found, len(numbers) > limit)

    def close(self) -> None:
        """Close the files."""
        self._ring.close()
