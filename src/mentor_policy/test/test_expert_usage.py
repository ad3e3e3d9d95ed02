"""Usage of experts by kind of episode: mutual information against values worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mentor_policy.training.expert_usage import mutual_information, usage_by_kind


@pytest.mark.parametrize(
    ("usage", "counts", "bits"),
    [
        ([[0.5, 0.5], [0.5, 0.5]], [3, 3], 0.0),
        ([[1.0, 0.0], [0.0, 1.0]], [3, 3], 1.0),
        ([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0.5, 0.5]], [2, 2, 2], np.log2(3)),
        ([[1.0, 0.0], [0.5, 0.5]], [1, 1], 0.311278),  # 0.5 log2(4/3) + 0.25 log2(2/3) + 0.25
        ([[1.0, 0.0], [0.0, 1.0]], [3, 1], 0.811278),  # the entropy of (3/4, 1/4)
    ],
)
def test_mutual_information_equals_values_worked_by_hand(usage, counts, bits):
    assert mutual_information(np.array(usage, float), counts) == pytest.approx(bits, abs=1e-6)


def drawn(told_apart: float, episodes: int = 30) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    kinds = np.arange(episodes) % 3
    usage = random.dirichlet(np.ones(16), episodes)
    usage[np.arange(episodes), kinds] += told_apart
    return usage / usage.sum(axis=1, keepdims=True), kinds


def test_experts_of_their_own_are_told_apart_from_chance():
    found = usage_by_kind(*drawn(1.0))
    assert found.told_apart and found.information > 2 * found.shuffled[1]
    assert found.usage.shape == (3, 16) and found.usage.sum(axis=1) == pytest.approx(1.0)
    assert found.usage.argmax(axis=1).tolist() == [0, 1, 2]


def test_differences_by_chance_are_not():
    found = usage_by_kind(*drawn(0.0))
    assert not found.told_apart and 0.0 < found.shuffled[0] < found.shuffled[1]


def test_a_kind_without_episodes_is_refused():
    with pytest.raises(ValueError, match=r"\[2, 0, 1\]; each needs at least one"):
        usage_by_kind(np.full((3, 4), 0.25), np.array([0, 0, 2]))
    with pytest.raises(ValueError, match="one kind per episode"):
        usage_by_kind(np.full((3, 4), 0.25), np.array([0, 1]))
