"""Evaluation episodes: apart from training, with seeds of their own and no exploration."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mentor_policy.training.choosing import UNNAMED, WeightsName, choose
from mentor_policy.training.environment import Env, shape_of
from mentor_policy.training.rollout import Rollout
from mentor_policy.training.seeds import EVALUATION, episode_seed
from mentor_policy.training.video import VideoWriter

if TYPE_CHECKING:
    from mentor_policy.agents.base import Agent

PURPOSE = "evaluation"
"""Purpose of an evaluation's actions over the topics: no learner on the stream learns from them."""
SEED = 1_000_000
"""Seed of the episodes of evaluations apart from a training, unless another one is given."""


@dataclass(frozen=True)
class Evaluation:
    """Outcome of some episodes.

    Args:
        returns: undiscounted, one an episode.
        successes: as each episode ended.
        tasks: as the environment names each episode's task; empty: it names none.
    """

    returns: tuple[float, ...]
    successes: tuple[bool, ...]
    tasks: tuple[str, ...] = ()

    @property
    def mean(self) -> float:
        """Mean return."""
        return float(np.mean(self.returns))

    @property
    def std(self) -> float:
        """Standard deviation of the returns over the episodes."""
        return float(np.std(self.returns))

    @property
    def success(self) -> float:
        """Share of episodes that succeeded."""
        return float(np.mean(self.successes))

    @property
    def success_by_task(self) -> dict[str, tuple[int, int]]:
        """Episodes with success, and all episodes, by task; empty where no task is named."""
        outcomes = list(zip(self.tasks, self.successes, strict=False))
        names = sorted({task for task, _ in outcomes if task})
        own = {name: [success for task, success in outcomes if task == name] for name in names}
        return {name: (sum(each), len(each)) for name, each in own.items()}

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the success."""
        return wilson_interval(sum(self.successes), len(self.successes))


def wilson_interval(
    successes: int, trials: int, z: float = 1.959963984540054
) -> tuple[float, float]:
    """Return the interval of a proportion (Wilson 1927), within 0 and 1, at 20 of 20 too.

    Args:
        successes: out of ``trials``.
        trials: at least 1.
        z: quantile of the normal distribution, 1.96 for 95 %.
    """
    share = successes / trials
    middle = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def evaluate(
    agent: Agent,
    env: Env,
    episodes: int,
    *,
    seed: int,
    step: int,
    stop: Callable[[], bool] = lambda: False,
    video: Path | None = None,
    weights: WeightsName = UNNAMED,
) -> Evaluation:
    """Roll out episodes with the mean action, or what ``agent.evaluation_stddev`` makes of it.

    Args:
        agent: acts; what is random in its training is not touched.
        env: environment of its own, or the training's between two episodes.
        episodes: how many.
        seed: the episodes that follow from it are the same ones each time, and none is one of a
            training (:func:`.seeds.episode_seed`).
        step: agent steps of training so far.
        video: mp4 of the first episode, or None.
        stop: asked at each step; True ends it with the episodes done so far.
        weights: what the weights that act are called.

    Raises:
        InterruptedError: stopped before the first episode was over.
    """
    layout = shape_of(env).layout
    rate = round(float(env.metadata.get("render_fps", 10)))
    returns: list[float] = []
    successes: list[bool] = []
    tasks: list[str] = []
    with _purpose(env):
        for number in range(episodes):
            with VideoWriter(None if number else video, layout, rate) as film:
                rollout = Rollout(
                    env,
                    lambda pixels, state: choose(
                        agent, env, pixels, state, step=step, evaluate=True, weights=weights
                    ),
                    on_step=lambda step, film=film: film.add(step.obs),  # type: ignore[misc]
                    go_on=lambda: not stop(),
                )
                try:
                    episode = rollout.play(rollout.begin(episode_seed(seed, EVALUATION, number)))
                except Exception:
                    if not stop():
                        raise
                    break  # whoever stops it may have closed the environment already
            if not episode.over:
                break
            returns.append(episode.total)
            successes.append(episode.success)
            tasks.append(episode.task)
    if not returns:
        raise InterruptedError("evaluation was stopped before its first episode was over")
    return Evaluation(tuple(returns), tuple(successes), tuple(tasks))


@contextmanager
def _purpose(env: Env) -> Iterator[None]:
    """Mark the actions as those of an evaluation, where the environment has a mark for it."""
    cell: Any = env.unwrapped
    if not hasattr(cell, "purpose"):
        yield
        return
    cell.purpose = PURPOSE
    try:
        yield
    finally:
        cell.purpose = ""
