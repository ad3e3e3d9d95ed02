"""Seeds of episodes, from the run's seed and the episode's number alone."""

from __future__ import annotations

import numpy as np

TRAINING = 0
EVALUATION = 1


VARIANTS = 2520
"""Least common multiple of 1 to 10. The first seed of a run is a multiple of it."""
SEEDS = 2**30 // VARIANTS * VARIANTS
"""Number of the seeds that a purpose has."""


def episode_seed(seed: int, purpose: int, number: int) -> int:
    """Return the seed of an episode, 31 bits (gymnasium and dm_control take no more).

    The episodes of a purpose have successive seeds. An environment of up to ten variants (tasks,
    pegs), whose seed modulo their number determines which one an episode has, or its turn in a
    block of as many seeds, has them equally often.

    Args:
        seed: seed of the run.
        purpose: ``TRAINING`` or ``EVALUATION``, which never share a seed.
        number: number of the episode among those of its purpose, from 0 or 1 on.
    """
    state = np.random.SeedSequence((seed, purpose)).generate_state(1, np.uint64)
    first = int(state[0]) % SEEDS // VARIANTS * VARIANTS
    return purpose * SEEDS + (first + number) % SEEDS
