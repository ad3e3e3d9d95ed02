"""The reward: how near the point is to the spot that the overhead camera sees."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mentor_common.tasks.reward_model import (
    EpisodeInfo,
    RewardNeeds,
    RewardOptions,
    StepInputs,
    StepReward,
)
from mentor_common.tasks.task import Task


class ToyReward:
    """A RewardModel. The pose is the arm's; the spot is found by its colour or is the true one."""

    class_names: ClassVar = {"place": ("away", "at the spot")}

    def __init__(self, task: Task, options: RewardOptions) -> None:
        fields = task.reward.fields
        self._reached = fields.number("reached", 0.0, 2.0, above=True)
        self._effort = fields.number("effort", 0.0, 10.0)
        fields.end()
        true = options.states == "ground_truth"
        cameras = () if true else ("overhead",)
        self.needs = RewardNeeds(cameras, action=True, ground_truth=true, episode_start=True)

    def begin_episode(self, episode: EpisodeInfo, inputs: StepInputs | None) -> None:
        """Check that the routine's option came through."""
        if episode.options.get("gripper") != "open":
            raise ValueError(f"the episode's options are {dict(episode.options)}")

    def compute(self, step: StepInputs) -> StepReward:
        """Return minus the distance, less the effort."""
        truth = step.ground_truth
        spot = spot_in(step.images["overhead"][-1].pixels) if truth is None else (
            np.array([truth["spot_x"], truth["spot_y"]])
        )  # fmt: skip
        distance = float(np.linalg.norm(step.pose - spot))
        terms = {
            "distance": -distance,
            "effort": -self._effort * float(np.abs(step.action).mean()),
        }
        there = distance < self._reached
        return StepReward(sum(terms.values()), terms, success=there, states={"place": int(there)})


def spot_in(pixels: np.ndarray) -> np.ndarray:
    """Return the middle (x, y), normalised, of what is red in an overhead image (H, W, 3)."""
    red = (pixels[..., 0] > 150) & (pixels[..., 1] < 100)
    if not red.any():
        raise ValueError("the overhead camera sees no red spot")
    rows, columns = np.nonzero(red)
    height, width = red.shape
    return np.array([columns.mean() / (width - 1), rows.mean() / (height - 1)]) * 3.0 - 1.5
