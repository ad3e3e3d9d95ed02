"""The next batch, sampled in the background while the learner works on this one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from mentor_policy.agents.batch import Batch
from mentor_policy.replay.sampler import Sampler
from mentor_policy.replay.shared_sampler import SharedSampler


class Prefetcher:
    """Hands out the batches of updates one after the other.

    The batch of update u + 1 is sampled from the ring as it stood when the batch of update u was
    handed out. So it depends on the order of the calls alone, never on how fast anything ran.

    Args:
        sampler: samples the batches.
        transfer: brings a sampled batch to where it is learned from, in the thread that sampled it.
    """

    def __init__(
        self,
        sampler: Sampler | SharedSampler,
        transfer: Callable[[Batch], Batch] = lambda batch: batch,
    ) -> None:
        self._sampler = sampler
        self._transfer = transfer
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="replay")
        self._pending: tuple[int, int, Future[Batch]] | None = None

    def batch(self, update: int) -> Batch:
        """Return the batch of an update; wait until it is sampled.

        Raises:
            ReplayError: the ring holds no transition yet.
        """
        if self._pending is None or self._pending[0] != update:
            self.prepare(update, self._sampler.ring.count)
        assert self._pending is not None
        future = self._pending[2]
        self._pending = None
        batch = future.result()
        self.prepare(update + 1, self._sampler.ring.count)
        return batch

    def prepare(self, update: int, count: int) -> None:
        """Start sampling the batch of an update from the ring's first ``count`` records."""
        future = self._worker.submit(lambda: self._transfer(self._sampler.batch(update, count)))
        self._pending = (update, count, future)

    @property
    def pending(self) -> tuple[int, int] | None:
        """What is being sampled, as :meth:`prepare` takes it: part of a run's state."""
        return None if self._pending is None else self._pending[:2]

    def close(self) -> None:
        """Stop when what is being sampled is done."""
        self._worker.shutdown(wait=True)
