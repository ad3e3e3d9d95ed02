"""The reward of peg insertion: eq. 6 of the arm's pose and the goal of the peg in hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mentor_common.tasks.peg_insertion import peg_reward_of
from mentor_common.tasks.reward_model import (
    EpisodeInfo,
    RewardNeeds,
    RewardOptions,
    StepInputs,
    StepReward,
)
from mentor_common.tasks.task import Task


class PegInsertionReward:
    """A RewardModel.

    The goal is the one that was taught for the peg in hand, and success is computed from the pose;
    or, with the ground truth of a twin, the goal where the board lies and the depth that the peg
    reached. Neither knows how the peg sits in the hand.

    Args:
        task: task whose section ``reward`` has goals and coefficients.
        options: ``states`` decides between the two.

    Raises:
        ValueError: the task file is refused.
    """

    def __init__(self, task: Task, options: RewardOptions) -> None:
        self._reward = peg_reward_of(task)
        self._workspace = task.workspace
        self._true = options.states == "ground_truth"
        self.needs = RewardNeeds(ground_truth=self._true, episode_start=True)
        self._peg = ""

    def begin_episode(self, episode: EpisodeInfo, inputs: StepInputs | None) -> None:
        """Note the peg in hand, the option ``peg`` of the reset.

        Raises:
            ValueError: it is missing or unknown.
        """
        self._peg = str(episode.options.get("peg", ""))
        self._reward.goal(self._peg)

    def compute(self, step: StepInputs) -> StepReward:
        """Return eq. 6 of the pose after the step.

        Raises:
            ValueError: the pose is unknown, or another peg is in the hand than was announced.
        """
        if self._true:
            values = step.ground_truth or {}
            self._check_peg(values)
            goal = self._true_goal(values)
            success = values["inserted"] > 0.5
        else:
            goal = self._reward.goal(self._peg)
            success = self._reward.is_reached(step.pose, goal)
        terms = self._reward.terms(step.pose, goal)
        errors = self._reward.errors(step.pose, goal)
        return StepReward(sum(terms.values()), terms, success=success, states=errors)

    def _check_peg(self, values: Mapping[str, float]) -> None:
        """Raise ValueError unless the peg that the reset announced is in the hand."""
        _require(values, ["peg"])
        index, names = round(values["peg"]), self._reward.names
        held = f"the {names[index]}" if 0 <= index < len(names) else "no"
        if held != f"the {self._peg}":
            raise ValueError(f"{held} peg is in the hand; the reset announced the {self._peg} peg")

    def _true_goal(self, values: Mapping[str, float]) -> np.ndarray:
        goal = [f"goal_{axis}" for axis in self._workspace.names]
        _require(values, ["inserted", *goal])
        return self._workspace.to_normalised([values[name] for name in goal])


def _require(values: Mapping[str, float], names: list[str]) -> None:
    """Raise ValueError if values are missing from the ground truth."""
    if missing := [name for name in names if name not in values]:
        raise ValueError(f"the ground truth lacks {missing}; it has {sorted(values)}")
