"""Training in a cell: a trainer that outlives the loss of its environment."""

from __future__ import annotations

import time
from typing import Any

from mentor_policy.training.environment import Pixels, State
from mentor_policy.training.trainer import Trainer

PAUSE = 0.5
"""Seconds between two tries of a reset."""


class CellTrainer(Trainer):
    """Goes on with a fresh episode when the environment was lost and is back.

    The episode that was broken off stays in the replay as far as it went: its last step bootstraps,
    as after a truncation. It has no return, so it is not admitted to S_top.

    Args:
        lost: errors of the environment after which a reset leads on.
        others: as of :class:`Trainer`.
    """

    def __init__(self, *others: Any, lost: tuple[type[Exception], ...], **named: Any) -> None:
        self._lost = lost
        self.losses = 0
        """How often the environment was lost."""
        super().__init__(*others, **named)

    def _step(self, obs: Pixels, state: State) -> tuple[Pixels, State]:
        if self.stop:  # the environment may be closed by now
            return obs, state
        try:
            return super()._step(obs, state)
        except self._lost as error:
            return self._begin_again(obs, state, error)

    def _begin_or_go_on(self) -> tuple[Pixels, State]:
        try:
            return super()._begin_or_go_on()
        except self._lost as error:
            nothing, state = self._nothing()
            return self._begin_again(nothing, state, error)

    def _evaluate(self) -> None:
        while True:
            try:
                return super()._evaluate()
            except self._lost as error:
                self.losses += 1
                self.progress.say(f"environment lost, the evaluation begins again: {error}")
                time.sleep(PAUSE)

    def _begin_again(self, obs: Pixels, state: State, error: Exception) -> tuple[Pixels, State]:
        now = self.counters
        self.losses += 1
        if now.episode_step or self.ring.latest_step(now.episode) >= 0:
            now.episode += 1
            now.episode_step = 0
        while not self.stop:
            self.progress.say(f"environment lost, a reset is tried: {error}")
            try:
                return self._begin_episode()
            except self._lost as again:
                error = again
                time.sleep(PAUSE)
        return obs, state
