"""TrainingStats messages, filled in at one place."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mentor_msgs.msg import TrainingStats

if TYPE_CHECKING:
    from mentor_policy.training.cell_trainer import CellTrainer


def training_stats(
    *,
    run_id: str,
    agent: str,
    step: int,
    update: int,
    episode: int,
    steps_per_second: float,
    updates_per_second: float,
    idle: float,
    episode_return: float,
    success: float,
    dormant_ratio: float,
    further: Mapping[str, float],
) -> TrainingStats:
    """The message without its stamp; units as its definition says."""
    return TrainingStats(
        run_id=run_id,
        agent=agent,
        step=step,
        update=update,
        episode=episode,
        steps_per_second=steps_per_second,
        updates_per_second=updates_per_second,
        idle=idle,
        episode_return=episode_return,
        success=success,
        dormant_ratio=dormant_ratio,
        names=list(further),
        values=[float(value) for value in further.values()],
    )


class TrainingReport:
    """Reads a running training from beside, once a second.

    Args:
        trainer: that runs in another thread; only numbers are read.
        agent: name of the agent's preset.
    """

    def __init__(self, trainer: CellTrainer, agent: str) -> None:
        self._trainer = trainer
        self._agent = agent
        self._before = self._now()
        self._begin = self._before

    @property
    def losses(self) -> int:
        """How often the environment was lost."""
        return self._trainer.losses

    def message(self) -> TrainingStats:
        """How it stands, with rates since the last call."""
        trainer, before, now = self._trainer, self._before, self._now()
        self._before = now
        passed, steps, updates, worked = (a - b for a, b in zip(now, before, strict=True))
        all_steps, all_updates = now[1] - self._begin[1], now[2] - self._begin[2]
        progress = trainer.progress
        return training_stats(
            run_id=trainer.folder.path.name,
            agent=self._agent,
            step=int(now[1]),
            update=int(now[2]),
            episode=trainer.counters.episode,
            steps_per_second=steps / passed,
            updates_per_second=updates / passed,
            idle=min(1.0, max(0.0, 1.0 - worked / passed)),
            episode_return=progress.returns[-1] if progress.returns else math.nan,
            success=sum(progress.successes) / len(progress.successes)
            if progress.successes
            else math.nan,
            dormant_ratio=trainer.agent.dormant_ratio,
            further={"updates_per_step": all_updates / all_steps if all_steps else math.nan},
        )

    def _now(self) -> tuple[float, float, float, float]:
        trainer = self._trainer
        updates, worked = trainer.learner.updates, trainer.learning.seconds
        return (time.monotonic(), trainer.counters.step, updates, worked)
