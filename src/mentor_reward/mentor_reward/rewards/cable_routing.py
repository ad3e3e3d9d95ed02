"""The reward of cable routing: eq. 7 of both slots' states, classified or from the ground truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from mentor_common.tasks.cable_routing import SLOT_STATES, cable_reward_of
from mentor_common.tasks.reward_model import (
    EpisodeInfo,
    RewardNeeds,
    RewardOptions,
    StepInputs,
    StepReward,
)
from mentor_common.tasks.task import Task

if TYPE_CHECKING:  # torch takes seconds to import, and is not needed for the ground truth
    from mentor_reward.classifier.slot_classifier import FeatureCache, SlotClassifier

States = tuple[int, int]


class CableRoutingReward:
    """A RewardModel.

    Args:
        task: whose section ``reward`` has the values of eq. 7.
        options: ``states`` decides whether the slots are classified in the frames or taken from the
            ground truth; ``weights`` are the classifiers'.

    Raises:
        ValueError: the task file or the weights are refused.
    """

    def __init__(self, task: Task, options: RewardOptions) -> None:
        self._reward = cable_reward_of(task)
        true = options.states == "ground_truth"
        self.needs = RewardNeeds(ground_truth=true)
        self._states: Callable[[StepInputs], States] = _true_states
        if not true:
            self._states = _classifier(options, task.observed_cameras)

    def begin_episode(self, episode: EpisodeInfo, inputs: StepInputs | None) -> None:
        """Do nothing: every step is computed by itself."""

    def compute(self, step: StepInputs) -> StepReward:
        """Return eq. 7 of the states after the step."""
        states = self._states(step)
        terms = self._reward.terms(*states)
        return StepReward(sum(terms.values()), terms, success=self._reward.is_success(*states))


class SlotStateReader:
    """Classifies the states of both slots in the newest frames of the cameras.

    Args:
        classifiers: one per slot.
        cameras: that the frames are of.

    Raises:
        ValueError: a classifier needs the frames of a camera that is not among them.
    """

    def __init__(self, classifiers: Mapping[str, SlotClassifier], cameras: tuple[str, ...]) -> None:
        self._classifiers = [classifiers[slot] for slot in SLOT_STATES]
        self._cameras = sorted({name for each in self._classifiers for name in each.cameras})
        missing = [name for name in self._cameras if name not in cameras]
        if missing:
            raise ValueError(
                f"slot classifiers need the cameras {missing}; the task observes {list(cameras)}"
            )

    def read(self, frames: Mapping[str, np.ndarray]) -> States:
        """Return the states of slot 1 and slot 2; frames are (84, 84, 3) uint8 RGB by camera."""
        planes = {
            name: np.ascontiguousarray(frames[name].transpose(2, 0, 1)) for name in self._cameras
        }
        cache: FeatureCache = {}
        first, second = (each.classify_frames(planes, cache) for each in self._classifiers)
        return int(first), int(second)


def _classifier(options: RewardOptions, cameras: tuple[str, ...]) -> Callable[[StepInputs], States]:
    import torch

    from mentor_reward.classifier.slot_classifier import load_classifiers

    torch.set_num_threads(options.threads)
    reader = SlotStateReader(load_classifiers(options.weights or None), cameras)
    return lambda step: reader.read(step.frames)


def _true_states(step: StepInputs) -> States:
    values = step.ground_truth or {}
    missing = [name for name in SLOT_STATES if name not in values]
    if missing:
        raise ValueError(f"the ground truth lacks {missing}; it has {sorted(values)}")
    return round(values["slot_1"]), round(values["slot_2"])
