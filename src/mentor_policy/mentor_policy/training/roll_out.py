"""Rolls an agent out in an environment and sums up what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gymnasium


@dataclass
class Summary:
    """What a roll-out came to; returns and successes are of whole episodes only."""

    steps: int = 0
    seconds: float = 0.0
    returns: list[float] = field(default_factory=list)
    successes: list[bool] = field(default_factory=list)
    running_return: float = 0.0

    @property
    def steps_per_second(self) -> float:
        """Environment steps for each second of wall time."""
        return self.steps / self.seconds if self.seconds else 0.0

    def __str__(self) -> str:
        """Return one line for people."""
        episodes = len(self.returns)
        value = sum(self.returns) / episodes if episodes else self.running_return
        whose = "mean return" if episodes else "return so far"
        success = sum(self.successes) / episodes if episodes else 0.0
        return (
            f"steps {self.steps}, episodes {episodes}, {whose} {value:.3f}, "
            f"success {success:.2f}, {self.steps_per_second:.1f} steps/s"
        )


def roll_out(
    env: gymnasium.Env[Any, Any],
    act: Callable[[Any], Any],
    max_steps: int,
    *,
    seed: int | None = None,
    summary: Summary | None = None,
    go_on: Callable[[Summary], bool] = lambda _: True,
) -> Summary:
    """Step `env` with `act(observation)` until `max_steps` (0: without end), or `go_on` says no.

    Args:
        seed: of the first reset; None leaves the environment's randomness as it is.
        summary: one to be continued after an interruption.
        go_on: asked before every step, with the summary so far.

    Raises:
        whatever the environment raises; `summary` holds what was done before.
    """
    summary = Summary() if summary is None else summary
    began, before = time.monotonic(), summary.seconds
    over, observation = True, None
    while (not max_steps or summary.steps < max_steps) and go_on(summary):
        if over:
            summary.running_return = 0.0
            observation, _ = env.reset(seed=seed)
            seed = None
        observation, reward, terminated, truncated, info = env.step(act(observation))
        summary.steps += 1
        summary.seconds = before + time.monotonic() - began
        summary.running_return += float(reward)
        over = terminated or truncated
        if over:
            summary.returns.append(summary.running_return)
            summary.successes.append(bool(info.get("success", False)))
    return summary
