"""The settings and the result of a training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentor_reward.classifier.slot_classifier import SlotClassifier


@dataclass(frozen=True)
class TrainingSettings:
    """The settings of a training.

    Args:
        epochs: the highest number of epochs, each over a balanced draw of the training images.
        patience: epochs without improvement of the validation score after which training stops;
            None: a third of ``epochs``, at least ten. The committed weights' trainings never went
            longer than a fifth of their epochs between two improvements.
        batch: images of a gradient step.
        learning_rate: peak of the one-cycle schedule.
        segmenter_steps: gradient steps of each segmenter, where there are masks of the cable.
        prior_weight: weight of the class frequencies in the logits (see log_frequency); 0: all
            classes count the same, 1: the error rate over all images is lowest.
        profile_weight: weight of the profile's error in the loss, where profiles are known.
        validation_share: share of the groups held out for validation.
        seed: seed of the split, the initial weights, the draws and the augmentation.
    """

    epochs: int = 60
    patience: int | None = None
    batch: int = 256
    learning_rate: float = 2e-3
    segmenter_steps: int = 1500
    prior_weight: float = 0.75
    profile_weight: float = 2.0
    validation_share: float = 0.1
    seed: int = 0

    @property
    def patience_epochs(self) -> int:
        """``patience``, or its default."""
        return max(10, self.epochs // 3) if self.patience is None else self.patience


@dataclass(frozen=True)
class TrainingResult:
    """The best classifier and its recalls on the held-out groups.

    Args:
        classifier: in the precision of its file.
        recalls: (classes,); NaN for a class without images.
        epoch: after which it was saved, from 0.
    """

    classifier: SlotClassifier
    recalls: np.ndarray
    epoch: int
