"""Batches of which a share comes from bags, and the rest from what the run itself has seen."""

from __future__ import annotations

import torch

from mentor_policy.agents.batch import Batch
from mentor_policy.replay.header import ReplayError
from mentor_policy.replay.sampler import Sampler


class SharedSampler:
    """Draws each batch from two rings.

    The run's own transitions come first in a batch, then those of the bags. As long as the run has
    none of its own, the whole batch is drawn from the bags.

    Args:
        own: draws from the ring that the run writes.
        bags: draws from the ring of the bags, which nobody writes any more.
        share: of a batch that the bags have, above 0 and at most 1; rounded to whole transitions,
            but at least one.
    """

    def __init__(self, own: Sampler, bags: Sampler, share: float) -> None:
        self.ring = own.ring
        self._own, self._bags = own, bags
        self.from_bags = max(1, round(share * own.batch_size))
        """Transitions of each batch that come from the bags."""

    def batch(self, update: int, count: int) -> Batch:
        """Return the batch of an update, drawn from the first ``count`` records of the run's own.

        Raises:
            ReplayError: the bags hold no transition.
        """
        size, bags = self._own.batch_size, self._bags
        there = bags.ring.count
        rest = size - self.from_bags
        if not rest:
            return bags.batch(update, there)
        try:
            own = self._own.batch(update, count, rest)
        except ReplayError:
            return bags.batch(update, there)
        theirs = bags.batch(update, there, self.from_bags).tensors()
        return Batch(**{name: torch.cat([t, theirs[name]]) for name, t in own.tensors().items()})
