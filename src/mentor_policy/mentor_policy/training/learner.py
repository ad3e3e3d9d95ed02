"""An agent, its replay and the count of its updates: the half of training that learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from mentor_policy.agents.base import Agent
from mentor_policy.agents.shape import Shape
from mentor_policy.config import Config
from mentor_policy.replay import ReplayError, ReplayRing, RingHeader
from mentor_policy.replay.header import read_header
from mentor_policy.replay.prefetch import Prefetcher
from mentor_policy.replay.sampler import Sampler
from mentor_policy.replay.shared_sampler import SharedSampler
from mentor_policy.replay.transfer import BatchTransfer

LEAST_SPARE = 2000
"""Records kept beyond the capacity at least, to go back to a checkpoint."""

BAG_DRAWS = 1
"""Second part of the seed of what is drawn from bags; the run's own replay has another one."""


class Learner:
    """Learns from a ring of steps.

    Args:
        config: the run.
        agent: learns.
        ring: to learn from; the learner does not close it.
        bags: ring of bags, from which ``train.bag_share`` of each batch comes; None for none.
    """

    def __init__(
        self, config: Config, agent: Agent, ring: ReplayRing, bags: ReplayRing | None = None
    ) -> None:
        train = config.train
        self.agent = agent
        self.ring = ring
        self.updates = 0
        self.statistics: dict[str, Tensor] = {}
        """What the newest update returned."""
        transfer = BatchTransfer(agent.device)

        def sampler(source: ReplayRing, *seed: int) -> Sampler:
            return Sampler(
                source,
                batch_size=train.batch_size,
                n_step=train.n_step,
                gamma=train.discount,
                seed=seed,
                reward_scale=train.reward_scale,
                reward_offset=train.reward_offset,
                pinned=transfer.pinned,
            )

        own = sampler(ring, train.seed)
        self._prefetcher = Prefetcher(
            own
            if bags is None
            else SharedSampler(own, sampler(bags, train.seed, BAG_DRAWS), train.bag_share),
            transfer,
        )

    def update(self, step: int) -> bool:
        """Do one update at agent step ``step``; False if there is no transition to learn from yet.

        Raises:
            NonFiniteGradientError: the network whose gradient it is has not moved; those before it
                in the update have.
        """
        try:
            batch = self._prefetcher.batch(self.updates)
        except ReplayError:  # steps, but not yet n of them in a row
            return False
        self.statistics = self.agent.update(batch, step)
        self.updates += 1
        return True

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps besides the agent."""
        pending = self._prefetcher.pending
        return {
            "updates": self.updates,
            "ring_count": self.ring.count,
            "pending": None if pending is None else list(pending),
        }

    def load_state(self, values: dict[str, Any], rewind: bool) -> None:
        """Take over what :meth:`state` gave.

        Args:
            rewind: forget what came into the ring since, so that the run is as if it had never
                been interrupted; else the ring keeps everything.

        Raises:
            ReplayError: the ring is not the one of the checkpoint.
        """
        self.updates = int(values["updates"])
        count = int(values["ring_count"])
        self.ring.expect(count)
        if rewind:
            self.ring.truncate(count)
            if values["pending"] is not None:
                self._prefetcher.prepare(*(int(v) for v in values["pending"]))

    def close(self) -> None:
        """Stop drawing batches."""
        self._prefetcher.close()


def open_ring(folder: Path, config: Config, shape: Shape) -> ReplayRing:
    """Make or open the ring of a run.

    Raises:
        ReplayError: it is there and does not fit, or another process writes it.
    """
    train = config.train
    steps = -(-train.frames // train.action_repeat)
    # Each episode costs one record more than it has steps; short ones a quarter more at worst.
    expected = steps + steps // 4 + 64
    capacity = train.replay_capacity
    between = -(-train.checkpoint_every_frames // train.action_repeat)
    spare = max(LEAST_SPARE, min(2 * between, capacity // 50))
    if (folder / "ring.json").exists():  # the interval of checkpoints may differ since
        spare = read_header(folder).spare
    header = RingHeader(shape.layout, shape.action_size, shape.state_size, capacity, spare)
    return ReplayRing(folder, header, expected=expected)
