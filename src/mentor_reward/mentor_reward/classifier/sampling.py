"""The split into training and validation images, and the balance of the classes."""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def split_groups(groups: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Choose the validation images: whole groups, by a hash of their names.

    A group stays on its side of the split when others are added, so that a classifier trained
    again is never validated on images that an earlier one was trained on.

    Args:
        groups: (N,) name of each image's group.
        share: share of the groups that are held out; at least one is.
        seed: seed of the hash.

    Returns:
        (N,) bool, true for validation images.
    """

    def place(group: str) -> float:
        digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    places = {group: place(str(group)) for group in np.unique(groups)}
    limit = max(share, min(places.values(), default=0.0) * (1 + 1e-9))
    return np.array([places[group] < limit for group in groups], dtype=bool)


def balanced_draw(states: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return shuffled indices of one epoch: each class equally often, rare ones repeated.

    Args:
        states: (N,) classes of the images.
        rng: source of the order.
    """
    classes = np.unique(states)
    each = len(states) // len(classes)
    draws = []
    for state in classes:
        indices = rng.permutation(np.flatnonzero(states == state))
        draws.append(np.resize(indices, max(each, 1)))
    return rng.permutation(np.concatenate(draws))


def log_frequency(states: np.ndarray, classes: int) -> torch.Tensor:
    """Return the logarithm of each class's frequency relative to the mean, (classes,).

    A balanced draw changes the frequencies of two neighbouring classes, which moves the decision
    border into the more frequent one. Subtracting this prior from the logits during training
    corrects for it.

    Args:
        states: (N,) classes of the images.
        classes: number of classes.
    """
    counts = np.bincount(states, minlength=classes).astype(np.float32)
    return torch.from_numpy(np.log(counts / counts.mean()))
