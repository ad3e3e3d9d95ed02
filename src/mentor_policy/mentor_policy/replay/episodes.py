"""Finished training episodes, read back from the replay ring.

A run may be killed and restarted in the middle of an episode. What it knew of the episode is in the
ring, so its return is summed up from there, in process and over the topics alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mentor_policy.replay.records import CONTEXT, SUCCESS, TERMINATED, TRUNCATED, VALID
from mentor_policy.replay.ring import ReplayRing


@dataclass(frozen=True)
class FinishedEpisode:
    """An episode whose end is in the ring.

    Attributes:
        episode: its number.
        end: number of its last record.
        total: undiscounted sum of its rewards; NaN where steps are missing.
        length: steps taken.
        success: at its last step.
        whole: every step from 0 to the end is there and valid; only then S_top may admit it.
    """

    episode: int
    end: int
    total: float
    length: int
    success: bool
    whole: bool


def finished_episodes(ring: ReplayRing, since: int) -> Iterator[FinishedEpisode]:
    """Yield the episodes that ended in records from number ``since`` on, oldest first."""
    for number in range(max(since, ring.oldest), ring.count):
        record = ring.records[ring.slot(number)]
        if record["flags"] & (TERMINATED | TRUNCATED) and not record["flags"] & CONTEXT:
            yield _episode(ring, number)


def known_steps(ring: ReplayRing) -> dict[int, int]:
    """Return the newest step that the ring holds of each of its episodes, oldest first."""
    numbers = np.arange(ring.oldest, ring.count)
    numbers = numbers[ring.there(numbers)]
    # Not in the order of their numbers: those of two servers have none.
    episodes = dict.fromkeys(ring.records["episode"][numbers % ring.slots].tolist())
    return {episode: ring.latest_step(episode) for episode in episodes}


def steps_in(ring: ReplayRing, since: int, until: int) -> int:
    """Count the steps (records that an action led to) in records ``since`` to ``until - 1``."""
    numbers = np.arange(max(since, ring.oldest), until)
    records = ring.records[numbers % ring.slots]
    return int(((records["step"] > 0) & ((records["flags"] & CONTEXT) == 0)).sum())


def _episode(ring: ReplayRing, end: int) -> FinishedEpisode:
    last = ring.records[ring.slot(end)]
    first = max(ring.oldest, end - int(last["step"]))
    numbers = np.arange(first, end + 1)
    records = ring.records[numbers % ring.slots]
    complete = bool(
        ring.there(numbers).all()
        and (records["episode"] == last["episode"]).all()
        and np.array_equal(records["step"], np.arange(int(last["step"]) + 1))
        and not (records["flags"] & CONTEXT).any()
    )
    total = 0.0
    for reward in records["reward"][1:]:  # one by one, as a loop over the environment adds them
        total += float(reward)
    return FinishedEpisode(
        int(last["episode"]),
        end,
        total if complete else math.nan,
        int(last["step"]),
        bool(last["flags"] & SUCCESS),
        complete and bool((records["flags"][1:] & VALID).all()),
    )
