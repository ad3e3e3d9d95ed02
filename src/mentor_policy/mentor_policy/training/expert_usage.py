"""Whether the experts of a mixture are used differently by the kinds of an episode (Fig. 11)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
SHUFFLES = 2000


@dataclass(frozen=True)
class UsageByKind:
    """Usage of experts by kind of episode.

    Args:
        usage: mean weight of each expert in each kind, (kinds, experts); rows sum to 1.
        information: mutual information of expert and kind, bits.
        shuffled: the interval that holds 95 % of what shuffled labels give, bits.
    """

    usage: Float64
    information: float
    shuffled: tuple[float, float]

    @property
    def told_apart(self) -> bool:
        """Return whether the information lies above what chance gives."""
        return self.information > self.shuffled[1]


def usage_by_kind(usage: Float64, kinds: Integers, seed: int = 0) -> UsageByKind:
    """Compare the usage of experts between kinds of episodes.

    Labels are shuffled between whole episodes: the steps of one are no independent draws.

    Args:
        usage: mean weight of each expert in each episode, (episodes, experts); rows sum to 1.
        kinds: kinds of each episode, (episodes,), from 0 on; each kind has at least one.
        seed: seed of the shuffling.

    Raises:
        ValueError: the shapes do not fit, or a kind has no episode.
    """
    if usage.ndim != 2 or kinds.shape != usage.shape[:1]:
        raise ValueError(f"usage is {usage.shape}, kinds are {kinds.shape}: one kind per episode")
    counts = np.bincount(kinds)
    if (counts == 0).any():
        raise ValueError(f"episodes of each kind: {counts.tolist()}; each needs at least one")
    random = np.random.default_rng(seed)
    shuffled = [
        mutual_information(_mean_usage(usage, random.permutation(kinds)), counts)
        for _ in range(SHUFFLES)
    ]
    low, high = np.quantile(shuffled, [0.025, 0.975])
    by_kind = _mean_usage(usage, kinds)
    return UsageByKind(by_kind, mutual_information(by_kind, counts), (float(low), float(high)))


def mutual_information(usage: Float64, counts: npt.ArrayLike) -> float:
    """Return the mutual information of expert and kind, bits.

    Args:
        usage: share of each expert in each kind, (kinds, experts); rows sum to 1.
        counts: episodes of each kind, (kinds,).
    """
    share = np.asarray(counts, np.float64)
    share = share / share.sum()
    overall = share @ usage
    ratio = np.divide(usage, overall, out=np.ones_like(usage), where=usage > 0.0)
    return float(share @ (usage * np.log2(ratio)).sum(axis=1))


def _mean_usage(usage: Float64, kinds: Integers) -> Float64:
    return np.array([usage[kinds == kind].mean(axis=0) for kind in range(kinds.max() + 1)])
