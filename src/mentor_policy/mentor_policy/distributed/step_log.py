"""What an actor lived through, on its own disk, for a learner that was away for long."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mentor_policy.replay import ReplayRing, RingHeader, Step
from mentor_policy.replay.records import CONTEXT, SUCCESS, TERMINATED, TRUNCATED, VALID
from mentor_policy.training.environment import Shape


@dataclass(frozen=True)
class BackfilledSteps:
    """Steps in the order in which they were lived.

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
        folder: of the ring.
        shape: of the environment.
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

    def after(self, episode: int, step: int, limit: int) -> BackfilledSteps:
        """The steps after one, oldest first; ``(0, 0)`` asks for all that are kept."""
        ring = self._ring
        # The writer may be about to reuse the oldest slot: keep a step away from it.
        oldest, count = ring.oldest + 1 if ring.oldest else 0, ring.count
        numbers = np.arange(oldest, count)
        records = ring.records[numbers % ring.slots]
        own = records["flags"] & CONTEXT == 0
        key = records["episode"].astype(object) * 2**32 + records["step"].astype(object)
        asked = (episode << 32) + step
        wanted = numbers[own & (key > asked).astype(bool)] if len(numbers) else numbers
        found = oldest == 0 or bool(len(numbers) and key[0] <= asked)
        steps = tuple(self._step(int(number)) for number in wanted[:limit])
        return BackfilledSteps(steps, found, len(wanted) > limit)

    def close(self) -> None:
        """Close the files."""
        self._ring.close()

    def _step(self, number: int) -> Step:
        ring = self._ring
        record = ring.records[ring.slot(number)]
        flags = int(record["flags"])
        action: npt.NDArray[np.float32] | None = None
        if record["step"] > 0:
            action = np.array(record["action"], np.float32)
        state = np.array(record["state"], np.float32) if ring.header.state_size else None
        return Step(
            int(record["episode"]),
            int(record["step"]),
            ring.observation(number),
            action,
            float(record["reward"]),
            bool(flags & TERMINATED),
            bool(flags & TRUNCATED),
            bool(flags & VALID),
            bool(flags & SUCCESS),
            state,
        )
