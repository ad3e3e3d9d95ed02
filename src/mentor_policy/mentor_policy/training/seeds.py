"""Seeds of episodes, from the run's seed and the episode's number alone."""

from __future__ import annotations

import numpy as np

TRAINING = 0
EVALUATION = 1


def episode_seed(seed: int, purpose: int, number: int) -> int:
    """Return the seed of an episode, 31 bits (gymnasium and dm_control take no more).

    Args:
        seed: seed of the run.
        purpose: ``TRAINING`` or ``EVALUATION``, which never share a seed on purpose.
        number: number of the episode among those of its purpose.
    """
    state = np.random.SeedSequence((seed, purpose, number)).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(33))
