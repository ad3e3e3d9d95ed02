"""A twin's environment in process, with the reward that the cell's sensors give.

For the same seed and actions, the rewards are those that the reward node publishes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, SupportsFloat

import gymnasium
import numpy as np

from mentor_common.tasks.reward_model import (
    EpisodeInfo,
    RewardOptions,
    StepInputs,
    make_reward,
)
from mentor_common.tasks.task import find_task


class SensorReward(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Replaces reward, terms and success by those that a task's reward model computes.

    ``info`` keeps the environment's own success as ``true_success``, and after a step its own
    reward as ``true_reward``.

    Args:
        env: environment whose observations have the task's layout, and whose ``info`` has ``pose``.
        task: name of the task.
        weights: folder of learned weights; None: those that come with the reward's package.
    """

    def __init__(self, env: gymnasium.Env, task: str, weights: str | Path | None = None) -> None:
        super().__init__(env)
        self._task = find_task(task)
        self._model = make_reward(self._task, RewardOptions(weights=str(weights or "")))
        self._episode = self._step = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; success is the environment's, as no reward is due."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._episode, self._step = self._episode + 1, 0
        begin = EpisodeInfo(self._episode, seed, options=options or {})
        self._model.begin_episode(begin, self._inputs(observation, info))
        return observation, {**info, "true_success": info.get("success", False)}

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Step; a step that is not valid keeps the environment's reward."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._step += 1
        info = {**info, "true_success": info.get("success", False), "true_reward": float(reward)}
        if not info.get("valid", True):
            return observation, reward, terminated, truncated, info
        mine = self._model.compute(self._inputs(observation, info, action))
        info.update(success=mine.success, reward_terms=dict(mine.terms))
        return observation, mine.value, mine.terminated, truncated or mine.truncated, info

    def _inputs(
        self, observation: Any, info: dict[str, Any], action: Any | None = None
    ) -> StepInputs:
        pixels = observation["image"] if isinstance(observation, dict) else observation
        return StepInputs(
            episode=self._episode,
            step=self._step,
            pose=np.asarray(info["pose"], np.float64),
            begin=int(info.get("begin", 0)),
            end=int(info.get("end", 0)),
            clipped=bool(info.get("clipped", False)),
            frames=self._task.layout.newest_frames(np.asarray(pixels)),
            images=info.get("images", {}),
            action=None if action is None else np.asarray(action, np.float32),
        )


def make_sensor_reward(
    task: str, weights: str | Path | None = None, **kwargs: Any
) -> gymnasium.Env[Any, Any]:
    """Return the twin's environment of a task with the reward of its sensors; for gymnasium."""
    return SensorReward(gymnasium.make(f"mentor/{task}-v0", **kwargs), task, weights)
