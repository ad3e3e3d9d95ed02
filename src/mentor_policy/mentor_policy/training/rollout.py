"""The one loop over an environment: training, acting apart from the learner, evaluation, random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mentor_policy.replay.step import Step
from mentor_policy.training.backoff import FruitlessEpisodeError
from mentor_policy.training.environment import Env, Pixels, SendReceiveEnv, State, split

ActionOf = Callable[[Pixels, State], npt.NDArray[np.float32]]
"""From an observation, ``(C, H, W) uint8`` and ``(S,) float32`` or None, to ``(A,) float32``."""


@dataclass
class Episode:
    """An episode as far as it has been rolled out.

    Attributes:
        number: number of the episode.
        pixels: pixels of the newest observation, ``(C, H, W) uint8``.
        state: state of the newest observation, ``(S,) float32`` or None.
        length: steps so far.
        total: undiscounted sum of the rewards so far.
        success: as the environment reports it at the newest step.
        over: terminated or truncated; False while it continues or where it was stopped.
        valid_steps: steps so far that may be learned from.
        reason: why the newest step may not; empty if it may.
        task: as the environment's `info` names it, e.g. one task of MT5, or the peg; else empty.
    """

    number: int
    pixels: Pixels
    state: State
    length: int = 0
    total: float = 0.0
    success: bool = False
    over: bool = False
    valid_steps: int = 0
    reason: str = ""
    task: str = ""

    @property
    def fault(self) -> FruitlessEpisodeError | None:
        """The fault that ended it before any step that may be learned from, or None.

        Where the next episode ends so too, somebody should wait in between.
        """
        if not self.over or self.valid_steps:
            return None
        reason = self.reason or "no reason given"
        return FruitlessEpisodeError(f"the episode ended in a fault at its first step: {reason}")


def nothing(*_: Any) -> None:
    """Do nothing; the default of a hook."""


def always() -> bool:
    """Return True."""
    return True


@dataclass
class Rollout:
    """Begins episodes and steps through them.

    Attributes:
        env: to step.
        act: chooses the actions.
        on_step: called with each observation and the action and reward before it, step 0 included.
        during_step: called once in every step: after the action was sent where an environment can
            send and receive separately, else before the step.
        go_on: called before each step; False leaves the episode where it is.
    """

    env: Env
    act: ActionOf
    on_step: Callable[[Step], None] = field(default=nothing)
    during_step: Callable[[], None] = field(default=nothing)
    go_on: Callable[[], bool] = field(default=always)

    def begin(self, seed: int | None, number: int | None = None) -> Episode:
        """Reset the environment.

        Args:
            seed: seed of the episode; None leaves the environment's randomness as it is.
            number: number of the episode; None takes the environment's own.

        Raises:
            Exception: whatever the environment raises.
        """
        observation, _ = self.env.reset(seed=seed)
        if number is None:
            number = int(getattr(self.env.unwrapped, "episode", 0) or 0)
        episode = Episode(number, *split(observation))
        self.on_step(Step(number, 0, episode.pixels, state=episode.state))
        return episode

    def play(self, episode: Episode) -> Episode:
        """Step until the episode is over or ``go_on`` is False; return the same episode.

        Raises:
            Exception: whatever the environment raises; the episode is then as it was before.
        """
        while not episode.over and self.go_on():
            action = self.act(episode.pixels, episode.state)
            observation, reward, terminated, truncated, info = self._move(action)
            episode.pixels, episode.state = split(observation)
            episode.length += 1
            episode.total += float(reward)
            episode.success = bool(info.get("success", False))
            episode.over = bool(terminated or truncated)
            valid = bool(info.get("valid", True))
            episode.valid_steps += valid
            episode.task = str(info.get("task", ""))
            episode.reason = "" if valid else str(info.get("reason", ""))
            self.on_step(
                Step(
                    episode.number,
                    episode.length,
                    episode.pixels,
                    np.asarray(action, np.float32),
                    float(reward),
                    bool(terminated),
                    bool(truncated),
                    valid,
                    episode.success,
                    episode.state,
                )
            )
        return episode

    def _move(
        self, action: npt.NDArray[np.float32]
    ) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if isinstance(self.env, SendReceiveEnv):
            self.env.send(action)
            self.during_step()
            return self.env.receive()
        self.during_step()
        return self.env.step(action)  # type: ignore[return-value]
