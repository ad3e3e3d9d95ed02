"""Logit calibration: offsets that make the class that is recognised least be recognised best."""

from __future__ import annotations

import numpy as np

from mentor_reward.classifier.confusion import confusion_matrix, recall_per_class

_STEPS, _RATE = 400, 0.05
"""How often a class is raised, and by how much of a logit at first."""


def calibration_offsets(logits: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Find what to add to logits.

    Again and again the logit of the class that is recognised least is raised a little, by less and
    less; the best that was met is kept.

    Args:
        logits: (N, classes) of images that were not learned from.
        states: (N,) their classes; one that never occurs is left as it is.

    Returns:
        (classes,), mean 0.
    """
    classes = logits.shape[1]

    def recalls(offsets: np.ndarray) -> np.ndarray:
        seen = (logits + offsets).argmax(1)
        return recall_per_class(confusion_matrix(states, seen, classes))

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
