"""TrainingStats messages: how a run stands, read beside the thread that learns."""

from __future__ import annotations

import math
import time

from mentor_msgs.msg import TrainingStats
from mentor_policy.training.run import Run


class TrainingReport:
    """Reads a run once a second.

    Args:
        run: run that another thread takes forward; only numbers are read.
        run_id: identifies it.
        agent: name of the agent's preset.
    """

    def __init__(self, run: Run, run_id: str, agent: str) -> None:
        self._run = run
        self._run_id = run_id
        self._agent = agent
        self._before = self._begin = self._now()

    def message(self) -> TrainingStats:
        """Return the message without its stamp, with rates since the last call."""
        run, before, now = self._run, self._before, self._now()
        self._before = now
        passed, steps, updates, worked = (a - b for a, b in zip(now, before, strict=True))
        all_steps, all_updates = now[1] - self._begin[1], now[2] - self._begin[2]
        further = {
            "updates_per_step": all_updates / all_steps if all_steps else math.nan,
            "updates_due": float(run.due),
        }
        return TrainingStats(
            run_id=self._run_id,
            agent=self._agent,
            step=int(now[1]),
            update=int(now[2]),
            episode=run.episodes,
            steps_per_second=steps / passed,
            updates_per_second=updates / passed,
            idle=min(1.0, max(0.0, 1.0 - worked / passed)),
            episode_return=run.recent.last_return,
            success=run.recent.success,
            dormant_ratio=run.agent.dormant_ratio,
            names=list(further),
            values=list(further.values()),
        )

    def _now(self) -> tuple[float, float, float, float]:
        run = self._run
        return time.monotonic(), run.steps, run.updates, run.learning.seconds
