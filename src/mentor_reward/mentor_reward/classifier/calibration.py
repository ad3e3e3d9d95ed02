"""Logit calibration: offsets that maximise the lowest recall of the classes."""

from __future__ import annotations

import numpy as np

from mentor_reward.classifier.confusion import confusion_matrix, recall_per_class

_STEPS, _RATE = 400, 0.05
"""Number of steps, and the first step's size in logits."""


def calibration_offsets(logits: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Find offsets to add to the logits so that the lowest recall is as high as possible.

    Each step raises the logit of the class with the lowest recall, in steps that shrink to zero;
    the best offsets met on the way are returned.

    Args:
        logits: (N, classes) of images that were not trained on.
        states: (N,) their classes; one that never occurs is never raised.

    Returns:
        (classes,), mean 0.
    """
    classes = logits.shape[1]

    def recalls(offsets: np.ndarray) -> np.ndarray:
        predicted = (logits + offsets).argmax(1)
        return recall_per_class(confusion_matrix(states, predicted, classes))

    offsets = best = np.zeros(classes)
    scores = recalls(offsets)
    score = np.nanmin(scores)
    for step in range(_STEPS):
        offsets = offsets.copy()
        offsets[np.nanargmin(scores)] += _RATE * (1 - step / _STEPS)
        offsets -= offsets.mean()
        scores = recalls(offsets)
        if np.nanmin(scores) > score:
            score, best = np.nanmin(scores), offsets
    return best
