"""Which images are held back, and how often each class is drawn."""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def split_groups(groups: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Choose the validation images: whole groups, by a hash of their names.

    A group stays on its side when others are added, so that a retrained classifier is never
    evaluated on images it was trained on.

    Args:
        groups: (N,) name of each image's group.
        share: of the groups that are held back; at least one is.
        seed: of the choice.

    Returns:
        (N,) bool.
    """

    def place(group: str) -> float:
        digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    places = {group: place(str(group)) for group in np.unique(groups)}
    limit = max(share, min(places.values(), default=0.0) * (1 + 1e-9))
    return np.array([places[group] < limit for group in groups], dtype=bool)


def balanced_draw(states: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the indices of one pass: each class equally often, rare ones repeated, shuffled."""
    classes = np.unique(states)
    each = len(states) // len(classes)
    draws = []
    for state in classes:
        members = rng.permutation(np.flatnonzero(states == state))
        draws.append(np.resize(members, max(each, 1)))
    return rng.permutation(np.concatenate(draws))


def log_frequency(states: np.ndarray, classes: int) -> torch.Tensor:
    """Return the logarithm of how much more frequent than the mean each class is, (classes,).

    A balanced draw shows the classes of both sides of a border with other frequencies than they
    have there, and moves the border into the larger class. Subtracting this from the logits during
    training corrects for it.
    """
    counts = np.bincount(states, minlength=classes).astype(np.float32)
    return torch.from_numpy(np.log(counts / counts.mean()))
