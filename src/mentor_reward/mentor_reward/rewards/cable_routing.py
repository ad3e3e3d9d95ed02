"""The reward of cable routing: eq. 7 of the MENTOR paper, from the states of both slots.

The states are classified in camera frames, or taken from the ground truth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

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


@dataclass(frozen=True)
class Slot:
    """What is known of a slot.

    Args:
        state: its class.
        probability: probability that the classifier gives it; 1 for the ground truth.
    """

    state: int
    probability: float


Slots = tuple[Slot, Slot]


class CableRoutingReward:
    """A RewardModel.

    Args:
        task: task whose section ``reward`` has the values of eq. 7.
        options: ``states`` decides whether the slots are classified in the frames or taken from the
            ground truth; ``weights`` is the folder of the classifiers, empty: the committed ones.

    Raises:
        ValueError: the task file or the weights are refused.
    """

    class_names: ClassVar = {
        slot: tuple(state.name.lower().replace("_", " ") for state in states)
        for slot, states in SLOT_STATES.items()
    }

    def __init__(self, task: Task, options: RewardOptions) -> None:
        self._reward = cable_reward_of(task)
        true = options.states == "ground_truth"
        self.needs = RewardNeeds(ground_truth=true)
        self._slots: Callable[[StepInputs], Slots] = _true_slots
        if not true:
            self._slots = _classifier(options, task.observed_cameras)

    def begin_episode(self, episode: EpisodeInfo, inputs: StepInputs | None) -> None:
        """Do nothing: every step is computed by itself."""

    def compute(self, step: StepInputs) -> StepReward:
        """Return the reward (eq. 7) for the states after the step."""
        slots = self._slots(step)
        states = slots[0].state, slots[1].state
        terms = self._reward.terms(*states)
        shown = {
            key: value
            for name, slot in zip(SLOT_STATES, slots, strict=True)
            for key, value in ((name, slot.state), (f"{name}_probability", slot.probability))
        }
        success = self._reward.is_success(*states)
        return StepReward(sum(terms.values()), terms, success=success, states=shown)


class SlotStateReader:
    """Classifies the states of both slots in the newest frames of the cameras.

    Args:
        classifiers: one per slot.
        cameras: cameras that the frames are of.

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

    def read(self, frames: Mapping[str, np.ndarray]) -> tuple[int, int]:
        """Return the states of slot 1 and slot 2; frames are (84, 84, 3) uint8 RGB by camera."""
        first, second = self.slots(frames)
        return first.state, second.state

    def slots(self, frames: Mapping[str, np.ndarray]) -> Slots:
        """Return slot 1 and slot 2 with their probabilities; frames as for :meth:`read`."""
        planes = {
            name: np.ascontiguousarray(frames[name].transpose(2, 0, 1)) for name in self._cameras
        }
        cache: FeatureCache = {}
        first, second = (each.frame_logits(planes, cache) for each in self._classifiers)
        return _slot_of(first), _slot_of(second)


def _slot_of(logits: np.ndarray) -> Slot:
    """Return the likeliest state of a slot; logits are (classes,) float32."""
    shares = np.exp(logits.astype(np.float64) - logits.max())
    state = int(logits.argmax())
    return Slot(state, float(shares[state] / shares.sum()))


def _classifier(options: RewardOptions, cameras: tuple[str, ...]) -> Callable[[StepInputs], Slots]:
    import torch

    from mentor_reward.classifier.slot_classifier import load_classifiers

    torch.set_num_threads(options.threads)
    reader = SlotStateReader(load_classifiers(options.weights or None), cameras)
    return lambda step: reader.slots(step.frames)


def _true_slots(step: StepInputs) -> Slots:
    values = step.ground_truth or {}
    missing = [name for name in SLOT_STATES if name not in values]
    if missing:
        raise ValueError(f"the ground truth lacks {missing}; it has {sorted(values)}")
    return Slot(round(values["slot_1"]), 1.0), Slot(round(values["slot_2"]), 1.0)
