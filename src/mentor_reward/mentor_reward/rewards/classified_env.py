"""The cable routing environment with rewards from images, in process.

Gives what the reward node gives over the topics with ``states:=classified``, for the same seed
and actions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, SupportsFloat

import gymnasium
import numpy as np

from mentor_common.env.registration import register_environments
from mentor_reward.classifier.slot_classifier import load_classifiers
from mentor_reward.rewards.cable_routing import SlotStateReader, judge_states

TRUE_ID = "mentor/cable_routing-v0"
_NO_LIMIT = 2**31


class ClassifiedReward(gymnasium.Wrapper):
    """Replaces reward, terms and success by those that the slot classifiers see.

    ``info`` keeps the environment's own success as ``true_success`` and gets ``classified_states``.

    Args:
        env: an environment whose observations hold the slot cameras.
        weights: folder of classifier weights; None: those of this package.
    """

    def __init__(self, env: gymnasium.Env, weights: str | Path | None = None) -> None:
        super().__init__(env)
        layout = env.unwrapped.frame_layout  # type: ignore[attr-defined]
        self._reader = SlotStateReader(load_classifiers(weights), layout)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Resets; success is that of the states seen."""
        observation, info = self.env.reset(seed=seed, options=options)
        return observation, self._judge(observation, dict(info))[1]

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Steps; a step that is not valid keeps the environment's reward."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        if not info.get("valid", True):
            return observation, reward, terminated, truncated, info
        value, info = self._judge(observation, dict(info))
        return observation, value, terminated, truncated, info

    def _judge(self, observation: Any, info: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        pixels = observation["image"] if isinstance(observation, dict) else observation
        states = self._reader.read(np.asarray(pixels))
        verdict = judge_states(*states, step=0, max_steps=_NO_LIMIT)
        if "success" in info:
            info["true_success"] = info["success"]
        info["success"] = verdict.success
        info["reward_terms"] = dict(verdict.terms)
        info["classified_states"] = (int(states[0]), int(states[1]))
        return verdict.value, info


def make_classified(weights: str | Path | None = None, **kwargs: Any) -> gymnasium.Env:
    """Entry point of gymnasium: the twin's environment with the classifiers' rewards."""
    register_environments()
    return ClassifiedReward(gymnasium.make(TRUE_ID, **kwargs), weights)
