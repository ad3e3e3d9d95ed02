"""Batches of n-step transitions, sampled from a ring.

Which transitions update ``u`` learns from depends on the seed, on ``u`` and on the ring's content
as of a given count of records, on nothing else.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from mentor_policy.agents.batch import Batch
from mentor_policy.replay.header import ReplayError
from mentor_policy.replay.records import CONTEXT, TERMINATED, TRUNCATED, VALID
from mentor_policy.replay.ring import ReplayRing

Numbers = npt.NDArray[np.int64]

BUFFERS = 3
"""Batches that exist at once: the one learned from, the one being sampled, and one to spare."""


class Sampler:
    """Samples batches.

    A batch's pixels stay valid until two further batches have been sampled.

    Args:
        ring: to sample from.
        batch_size: B.
        n_step: n, steps summed into a return.
        gamma: discount per step.
        seed: seed of the sampling; two samplers of one run have different ones.
        reward_scale: factor on every reward; the ring keeps them as they arrived.
        reward_offset: added to every reward, before the factor.
        pinned: whether the pixels are copied into pinned memory, for a copy to CUDA.
    """

    def __init__(
        self,
        ring: ReplayRing,
        *,
        batch_size: int,
        n_step: int,
        gamma: float,
        seed: int | tuple[int, ...],
        reward_scale: float = 1.0,
        reward_offset: float = 0.0,
        pinned: bool = False,
    ) -> None:
        self.ring = ring
        self.batch_size = batch_size
        self.n_step = n_step
        self._seed = (seed,) if isinstance(seed, int) else seed
        self._gammas = gamma ** np.arange(n_step + 1, dtype=np.float64)
        self._reward_offset = reward_offset
        self._reward_weights = self._gammas[:-1] * reward_scale
        layout = ring.header.layout
        shape = (batch_size, layout.height, layout.width, layout.channels)
        self._buffers = [(_buffer(shape, pinned), _buffer(shape, pinned)) for _ in range(BUFFERS)]
        self._drawn = 0

    def lengths(self, starts: Numbers, count: int) -> npt.NDArray[np.int64]:
        """Return the n-step length from each record, 0 where it starts no transition.

        That is n, or fewer up to where the episode ends or was broken off; in the episode that is
        still going on only records with all n steps behind them count.

        Args:
            starts: ``(N,)`` record numbers below ``count``.
            count: records that are considered, the newest of the ring at that time.

        Returns:
            ``(N,) int64``, m of each record.
        """
        ring = self.ring
        oldest = max(ring.oldest, count - ring.header.capacity)
        first = ring.records[starts % ring.slots]
        context = np.minimum(first["step"].astype(np.int64), ring.frames.context)
        usable = (starts - context >= oldest) & (first["flags"] & CONTEXT == 0)
        for back in range(ring.frames.context + 1):  # every record of its frame stack is there
            usable &= (back > context) | ring.there(np.maximum(starts - back, 0))
        steps = np.zeros(len(starts), np.int64)
        going = usable.copy()
        ended = first["flags"] & (TERMINATED | TRUNCATED) != 0
        going &= ~ended
        for ahead in range(1, self.n_step + 1):
            numbers = starts + ahead
            known = numbers < count
            going &= known  # an end that nothing follows yet may still continue
            record = ring.records[np.where(known, numbers, starts) % ring.slots]
            follows = (record["episode"] == first["episode"]) & (
                record["step"] == first["step"] + ahead
            )
            good = follows & (record["flags"] & VALID != 0)
            # Broken off (a crash, a fault): what came before counts as cut off there.
            ended |= going & ~good
            going &= good
            steps[going] = ahead
            last = going & (record["flags"] & (TERMINATED | TRUNCATED) != 0)
            ended |= last
            going &= ~last
        return np.where(ended | (steps == self.n_step), steps, 0)

    def starts(
        self, update: int, count: int, size: int | None = None
    ) -> tuple[Numbers, npt.NDArray[np.int64]]:
        """Sample the records that update ``update`` starts from, and the n-step length of each.

        Args:
            update: number of the update.
            count: records that are considered, the newest of the ring at that time.
            size: records to sample, at most B; None for B.

        Returns:
            Both ``(size,) int64``.

        Raises:
            ReplayError: the ring holds no transition yet.
        """
        rng = np.random.default_rng([*self._seed, update])
        ring, size = self.ring, self.batch_size if size is None else size
        oldest = max(ring.oldest, count - ring.header.capacity)
        drawn, found = np.zeros(0, np.int64), np.zeros(0, np.int64)
        for _ in range(8):
            if oldest >= count or len(drawn) >= size:
                break
            numbers = rng.integers(oldest, count, size + size // 4)
            length = self.lengths(numbers, count)
            drawn = np.concatenate([drawn, numbers[length > 0]])
            found = np.concatenate([found, length[length > 0]])
        if len(drawn) < size:  # few valid records: check every one
            numbers = np.arange(oldest, count)
            length = self.lengths(numbers, count)
            numbers, length = numbers[length > 0], length[length > 0]
            if not len(numbers):
                raise ReplayError(
                    f"replay ring {ring.folder} holds no transition to learn from yet "
                    f"({count} records, n-step {self.n_step})"
                )
            chosen = rng.integers(0, len(numbers), size)
            drawn, found = numbers[chosen], length[chosen]
        return drawn[:size], found[:size]

    def batch(self, update: int, count: int, size: int | None = None) -> Batch:
        """Return the batch of an update, sampled from the first ``count`` records ever written.

        Args:
            update: number of the update.
            count: records that are considered, the newest of the ring at that time.
            size: transitions of the batch, at most B; None for B.

        Raises:
            ReplayError: the ring holds no transition yet.
        """
        numbers, length = self.starts(update, count, size)
        while not self.ring.check_frames(self._frames_of(numbers, length)):
            numbers, length = self.starts(update, count, size)  # without those that are damaged
        obs, next_obs = self._pixels(numbers, numbers + length)
        ring = self.ring
        records = ring.records
        window = numbers[:, None] + np.arange(1, self.n_step + 1)
        mask = np.arange(self.n_step) < length[:, None]
        window = np.where(mask, window, numbers[:, None])
        steps = records[window % ring.slots]
        last = records[(numbers + length) % ring.slots]
        offset = steps["reward"] + self._reward_offset
        rewards = np.where(mask, offset, 0.0) @ self._reward_weights
        discount = self._gammas[length] * (last["flags"] & TERMINATED == 0)
        actions = np.where(mask[..., None], steps["action"], np.float32(0))
        state = next_state = None
        if ring.header.state_size:
            state = torch.from_numpy(records[numbers % ring.slots]["state"].copy())
            next_state = torch.from_numpy(last["state"].copy())
        return Batch(
            obs=obs,
            next_obs=next_obs,
            action=torch.from_numpy(actions[:, 0].copy()),
            reward=torch.from_numpy(rewards.astype(np.float32)[:, None]),
            discount=torch.from_numpy(discount.astype(np.float32)[:, None]),
            actions=torch.from_numpy(actions),
            actions_mask=torch.from_numpy(mask),
            state=state,
            next_state=next_state,
        )

    def _frames_of(self, numbers: Numbers, length: Numbers) -> Numbers:
        """Return the records whose frames are in the observations of a batch, or before them."""
        context = self.ring.frames.context
        ahead = numbers[:, None] + np.arange(-context, self.n_step + 1)
        return ahead[(ahead >= self.ring.oldest) & (ahead <= (numbers + length)[:, None])]

    def _pixels(self, first: Numbers, second: Numbers) -> tuple[torch.Tensor, torch.Tensor]:
        """Read the observations of two rows of records, ``(B, C, H, W)``, channels last."""
        frames = self.ring.frames
        buffers = [buffer[: len(first)] for buffer in self._buffers[self._drawn % BUFFERS]]
        self._drawn += 1
        slots = [[self.ring.stack_slots(int(n)) for n in row] for row in (first, second)]
        for row in slots:
            for stack in row:
                frames.announce(stack[0], stack[-1])
        for row, out in zip(slots, buffers, strict=True):
            for stack, pixels in zip(row, out, strict=True):
                frames.read(stack, pixels)
        frames.release()
        one, two = (torch.from_numpy(buffer).permute(0, 3, 1, 2) for buffer in buffers)
        return one, two


def _buffer(shape: tuple[int, ...], pinned: bool) -> npt.NDArray[np.uint8]:
    """Return an empty array, in pinned memory where it is asked for."""
    array: npt.NDArray[np.uint8] = torch.empty(shape, dtype=torch.uint8, pin_memory=pinned).numpy()
    return array
