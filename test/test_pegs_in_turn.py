"""The peg of an episode seeded by trainer or evaluation: in process, and by the reset routine."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from mentor_common.tasks.episode_draw import EpisodeDraws
from mentor_common.tasks.reset_routine import Move, Part, PartResult, ResetContext, make_routine
from mentor_common.tasks.task import find_task
from mentor_policy.training.seeds import EVALUATION, TRAINING, episode_seed
from mentor_reset.execution.attempt import run_routine
from mentor_sim_bridge.twins.peg.env import PegInsertionEnv
from mentor_sim_bridge.twins.peg.shapes import PEGS

TASK = find_task("peg_insertion")


def announced(seed: int) -> str:
    """The peg that the reset routine announces for a seeded reset."""
    begun: list[str] = []

    def do(part: Part) -> PartResult:
        if isinstance(part, Move) and part.begins_episode:
            begun.append(str(part.options["peg"]))
        return PartResult(np.zeros(4))

    draw = EpisodeDraws(TASK).draw(seed)
    random = np.random.default_rng(draw.seed)
    context = ResetContext(draw.start, draw.window_offset, random, seed=seed)
    run_routine(make_routine(TASK).parts(context), do)
    return begun[0]


@pytest.mark.parametrize(("purpose", "run", "episodes"), [(TRAINING, 11, 30), (EVALUATION, 1, 12)])
def test_trainings_and_evaluations_have_each_peg_equally_often(
    purpose: int, run: int, episodes: int
) -> None:
    env = PegInsertionEnv(images="blank")
    seeds = [episode_seed(run, purpose, number) for number in range(episodes)]
    held = [PEGS[env.reset(seed=seed)[1]["peg"]] for seed in seeds]
    env.close()
    assert Counter(held) == dict.fromkeys(PEGS, episodes // 3)
    assert held == [announced(seed) for seed in seeds]
    assert len({tuple(held[i : i + 3]) for i in range(0, episodes, 3)}) > 1, "no fixed order"
