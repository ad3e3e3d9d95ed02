"""Drives a reward model through episodes: begins them, bounds them, refuses what is no reward."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mentor_common.tasks.reward_model import RewardModel, StepReward
from mentor_reward.steps.step_reader import ReadStep


@dataclass(frozen=True)
class EpisodeReward:
    """The reward of a step as it is published.

    Args:
        reward: reward of the model, or that of a step which is not valid.
        truncated: whether the episode is cut off after the step.
    """

    reward: StepReward
    truncated: bool


class EpisodeRewards:
    """Computes the rewards of steps that come in the order of their episode.

    Args:
        model: model of the task.
        max_steps: steps after which an episode is truncated.
    """

    def __init__(self, model: RewardModel, max_steps: int) -> None:
        self._model, self._max_steps = model, max_steps
        self._episode: int | None = None
        self._refused = ""

    def compute(self, step: ReadStep) -> EpisodeReward | None:
        """Return the reward of a step; None for step 0, to which no action led."""
        number = step.motion.step
        if step.motion.episode != self._episode:
            self._begin(step)
        if number == 0:
            return None
        reward = self._checked(step)
        ended = reward.truncated or number >= self._max_steps
        cut = ended and not reward.terminated
        return EpisodeReward(reward, truncated=cut or not reward.valid)

    def _begin(self, step: ReadStep) -> None:
        self._episode, self._refused = step.motion.episode, ""
        try:
            self._model.begin_episode(step.info, step.inputs if step.motion.step == 0 else None)
        except ValueError as error:
            self._refused = str(error)

    def _checked(self, step: ReadStep) -> StepReward:
        if step.inputs is None or self._refused:
            return StepReward.invalid(step.reason or self._refused)
        try:
            reward = self._model.compute(step.inputs)
        except ValueError as error:
            return StepReward.invalid(str(error))
        values = {"value": reward.value, **reward.terms}
        bad = [name for name, value in values.items() if not math.isfinite(value)]
        if bad:
            return StepReward.invalid(f"the reward's {', '.join(bad)} is not finite")
        return reward
