"""TrainingStats messages, filled in at one place."""

from __future__ import annotations

from collections.abc import Mapping

from mentor_msgs.msg import TrainingStats


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
