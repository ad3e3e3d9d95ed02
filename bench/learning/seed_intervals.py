"""Intervals of success over several seeds, and over the episodes of one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rliable import library, metrics

from mentor_policy.training.evaluation import wilson_interval


def over_seeds(successes: Sequence[int], episodes: int) -> tuple[float, float, float]:
    """Return the mean success and its 95 % interval.

    Args:
        successes: successes of each run.
        episodes: episodes of each run.

    Returns:
        Mean, low and high, shares. Of several runs by rliable's stratified bootstrap; of a single
        one, or where all runs are alike and a bootstrap over them has no width, by Wilson's
        interval over the episodes.
    """
    shares = np.array(successes, float)[:, None] / episodes
    if len(set(successes)) == 1:
        low, high = wilson_interval(sum(successes), episodes * len(successes))
        return float(shares.mean()), low, high

    def mean(scores: np.ndarray) -> np.ndarray:
        return np.array([metrics.aggregate_mean(scores)])

    random = np.random.RandomState(0)  # what rliable takes
    _, bounds = library.get_interval_estimates(
        {"runs": shares}, mean, reps=5000, random_state=random
    )
    low, high = bounds["runs"][:, 0]
    return float(shares.mean()), float(low), float(high)
