"""The replay of bags that a run draws a share of every batch from, in the run's folder.

It is made once, as the run begins, and never written again: a run that is resumed needs no bag.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from mentor_policy.agents.shape import Shape
from mentor_policy.config import Config
from mentor_policy.replay import ReplayError, ReplayRing, RingHeader
from mentor_policy.replay.bag_steps import BagSteps
from mentor_policy.replay.sampler import Sampler


def make_bag_replay(folder: Path, config: Config, shape: Shape, steps: BagSteps) -> ReplayRing:
    """Write the steps of bags as a replay, and open it. It is there whole or not at all.

    Args:
        folder: one that an interrupted beginning of the run has left is replaced.
        config: of the run.
        shape: of the run's environment.
        steps: of the bags.

    Raises:
        ReplayError: a step does not fit the environment, the bags hold no transition to learn
            from, or the disk is full.
    """
    unfinished = folder.with_name(f".new-{folder.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    header = RingHeader(
        shape.layout, shape.action_size, shape.state_size, capacity=max(2, steps.most), spare=1
    )
    ring = ReplayRing(unfinished, header, expected=steps.most)
    try:
        for step in steps:
            ring.append(step)
        refuse_empty(ring, config, steps)
        ring.sync()
    finally:
        ring.close()
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)
    return ReplayRing(folder, writable=False)


def refuse_empty(ring: ReplayRing, config: Config, steps: BagSteps) -> None:
    """Refuse bags from which nothing can be learned.

    Args:
        ring: with their steps.
        config: of the run.
        steps: of the bags.

    Raises:
        ReplayError: names the bags.
    """
    train = config.train
    sampler = Sampler(ring, batch_size=1, n_step=train.n_step, gamma=train.discount, seed=0)
    try:
        sampler.starts(0, ring.count)
    except ReplayError:
        names = ", ".join(str(bag.path) for bag in steps.bags)
        raise ReplayError(
            f"bags {names}: their training episodes hold no {train.n_step} valid steps in a row, "
            f"so nothing can be learned from them ({ring.count} records)"
        ) from None
