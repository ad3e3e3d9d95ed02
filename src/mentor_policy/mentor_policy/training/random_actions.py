"""Random actions in an environment, and a summary of the result. Needs no torch."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mentor_policy.replay.step import Step
from mentor_policy.training.backoff import Backoff
from mentor_policy.training.rollout import Rollout


@dataclass
class Summary:
    """What a rollout came to; returns and successes are of whole episodes only."""

    steps: int = 0
    seconds: float = 0.0
    returns: list[float] = field(default_factory=list)
    successes: list[bool] = field(default_factory=list)
    running_return: float = 0.0

    @property
    def steps_per_second(self) -> float:
        """Environment steps for each second of wall time."""
        return self.steps / self.seconds if self.seconds else 0.0

    def add(self, step: Step) -> None:
        """Count a step."""
        if not step.step:
            self.running_return = 0.0
            return
        self.steps += 1
        self.running_return += step.reward
        if step.terminated or step.truncated:
            self.returns.append(self.running_return)
            self.successes.append(step.success)

    def __str__(self) -> str:
        """Return one line for people."""
        episodes = len(self.returns)
        value = sum(self.returns) / episodes if episodes else self.running_return
        whose = "mean return" if episodes else "return so far"
        success = f"success {sum(self.successes) / episodes:.2f}, " if episodes else ""
        return (
            f"steps {self.steps}, episodes {episodes}, {whose} {value:.3f}, "
            f"{success}{self.steps_per_second:.1f} steps/s"
        )


def act_at_random(
    env: Any,
    max_steps: int,
    *,
    seed: int | None,
    summary: Summary,
    go_on: Callable[[Summary], bool],
    backoff: Backoff,
) -> None:
    """Step an environment with uniform actions.

    Args:
        env: a gymnasium environment, whose action space draws the actions.
        max_steps: steps after which it ends, counted in ``summary``; 0: without end.
        seed: seed of the first episode; None leaves the environment's randomness as it is.
        summary: filled in; one that holds earlier steps is continued.
        go_on: asked before every step, with the summary so far.
        backoff: set back at each valid step.

    Raises:
        FruitlessEpisodeError: an episode ended in a fault at its first step.
        whatever the environment raises; ``summary`` holds what was done before.
    """
    began, before = time.monotonic(), summary.seconds

    def further() -> bool:
        summary.seconds = before + time.monotonic() - began
        return (not max_steps or summary.steps < max_steps) and go_on(summary)

    def seen(step: Step) -> None:
        summary.add(step)
        if step.step and step.valid:
            backoff.reset()

    rollout = Rollout(env, lambda *_: env.action_space.sample(), on_step=seen, go_on=further)
    while further():
        episode = rollout.play(rollout.begin(seed))
        seed = None
        if episode.fault is not None:
            raise episode.fault
    summary.seconds = before + time.monotonic() - began
