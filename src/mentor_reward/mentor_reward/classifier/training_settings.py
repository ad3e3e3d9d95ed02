"""How a slot classifier is trained, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentor_reward.classifier.slot_classifier import SlotClassifier


@dataclass(frozen=True)
class TrainingSettings:
    """How a classifier is trained.

    Args:
        epochs: at most this many passes over a balanced draw of the training images.
        patience: passes without improvement of the validation score after which training stops;
            None: a third of ``epochs``, but not below ten. In the trainings behind the committed
            weights the score never took longer to rise than a fifth of them.
        batch: images per gradient step.
        learning_rate: peak of the one-cycle schedule.
        finder_steps: gradient steps in which the segmenter learns from masks of the cable.
        prior_weight: how far the classifier leans to the classes that are frequent among the
            images; 0: at a border it sees each class equally often, 1: it errs least often in all.
        profile_weight: share of the profile's error in the loss, where profiles are known.
        validation_share: share of the groups held back for validation.
        seed: of the split, the first weights, the draws and the augmentation.
    """

    epochs: int = 60
    patience: int | None = None
    batch: int = 256
    learning_rate: float = 2e-3
    finder_steps: int = 1500
    prior_weight: float = 0.75
    profile_weight: float = 2.0
    validation_share: float = 0.1
    seed: int = 0

    @property
    def waits(self) -> int:
        """The patience in epochs."""
        return max(10, self.epochs // 3) if self.patience is None else self.patience


@dataclass(frozen=True)
class TrainingResult:
    """The best classifier and what it scored on the validation groups.

    Args:
        classifier: in the precision of its file.
        recalls: (classes,) share recognised of each class; NaN where there is none.
        epoch: after which it was taken.
    """

    classifier: SlotClassifier
    recalls: np.ndarray
    epoch: int
