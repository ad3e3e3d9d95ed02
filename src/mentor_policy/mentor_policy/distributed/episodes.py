"""Finished training episodes, read back from the replay ring.

A learner that lives on a stream may be killed and restarted in the middle of an episode. What it
knew of the episode is in the ring, so the return is summed from there and not in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mentor_policy.replay import ReplayRing
from mentor_policy.replay.records import CONTEXT, SUCCESS, TERMINATED, TRUNCATED, VALID


@dataclass(frozen=True)
class FinishedEpisode:
    """An episode whose end is in the ring.

    Attributes:
        episode: its number.
        end: number of its last record.
        total: undiscounted sum of its rewards; what Alg. 1 admits to S_top.
        length: steps taken.
        success: at its last step.
        whole: every step from 0 to the end is there and valid; only then ``total`` is its return.
    """

    episode: int
    end: int
    total: float
    length: int
    success: bool
    whole: bool


def finished_episodes(ring: ReplayRing, since: int) -> Iterator[FinishedEpisode]:
    """The episodes that ended in records from number ``since`` on, oldest first."""
    for number in range(max(since, ring.oldest), ring.count):
        record = ring.records[ring.slot(number)]
        if record["flags"] & (TERMINATED | TRUNCATED) and not record["flags"] & CONTEXT:
            yield _episode(ring, number)


def known_steps(ring: ReplayRing) -> dict[int, int]:
    """Newest step that the ring holds of each of its episodes."""
    numbers = np.arange(ring.oldest, ring.count)
    episodes = np.unique(ring.records["episode"][numbers % ring.slots])
    return {int(episode): ring.latest_step(int(episode)) for episode in episodes}


def steps_in(ring: ReplayRing, since: int, until: int) -> int:
    """Environment steps (records that an action led to) in records ``since`` to ``until - 1``."""
    numbers = np.arange(max(since, ring.oldest), until)
    records = ring.records[numbers % ring.slots]
    return int(((records["step"] > 0) & ((records["flags"] & CONTEXT) == 0)).sum())


def _episode(ring: ReplayRing, end: int) -> FinishedEpisode:
    last = ring.records[ring.slot(end)]
    first = max(ring.oldest, end - int(last["step"]))
    numbers = np.arange(first, end + 1)
    records = ring.records[numbers % ring.slots]
    rewards = records["reward"][1:]
    whole = bool(
        (records["episode"] == last["episode"]).all()
        and np.array_equal(records["step"], np.arange(int(last["step"]) + 1))
        and (records["flags"][1:] & VALID).all()
    )
    total = 0.0
    for reward in rewards:  # one by one, as the trainer in process adds them up
        total += float(reward)
    return FinishedEpisode(
        int(last["episode"]),
        end,
        total,
        int(last["step"]),
        bool(last["flags"] & SUCCESS),
        whole,
    )
