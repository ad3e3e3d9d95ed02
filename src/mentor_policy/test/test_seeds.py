"""Seeds of episodes: apart from each other, and fair to the variants of an environment."""

from __future__ import annotations

from collections import Counter

import pytest

from mentor_policy.training.seeds import EVALUATION, SEEDS, TRAINING, episode_seed


@pytest.mark.parametrize("variants", range(1, 11))
@pytest.mark.parametrize("purpose", [TRAINING, EVALUATION])
def test_an_environment_that_takes_its_variant_from_the_seed_has_each_equally_often(
    variants, purpose
):
    for run in range(20):
        taken = [episode_seed(run, purpose, number) % variants for number in range(4 * variants)]
        assert Counter(taken) == dict.fromkeys(range(variants), 4)


def test_seeds_are_31_bits_differ_between_runs_and_are_never_shared_by_training_and_evaluation():
    firsts = {episode_seed(run, TRAINING, 0) for run in range(200)}
    assert len(firsts) > 195
    for run in range(200):
        for number in (0, 1, SEEDS - 1):
            trained = episode_seed(run, TRAINING, number)
            evaluated = episode_seed(run, EVALUATION, number)
            assert 0 <= trained < SEEDS <= evaluated < 2**31
    assert len({episode_seed(1, TRAINING, number) for number in range(10_000)}) == 10_000
