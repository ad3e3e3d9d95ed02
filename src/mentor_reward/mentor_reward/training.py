"""Training of a slot classifier: split by groups, balanced classes, early stopping."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from mentor_reward.augmentation import augment
from mentor_reward.confusion import confusion_matrix, recall_per_class
from mentor_reward.slot_classifier import SlotClassifier, SlotNetwork
from mentor_reward.slots import states_of


@dataclass(frozen=True)
class TrainingSettings:
    """How a classifier is trained.

    Args:
        epochs: at most this many passes over a balanced draw of the training images.
        patience: passes without improvement of the validation score after which training stops.
        batch: images per gradient step.
        learning_rate: peak of the one-cycle schedule.
        validation_share: share of the groups held back for validation.
        seed: of the split, the first weights, the draws and the augmentation.
    """

    epochs: int = 30
    patience: int = 8
    batch: int = 64
    learning_rate: float = 2e-3
    validation_share: float = 0.15
    seed: int = 0


@dataclass(frozen=True)
class TrainingResult:
    """The best classifier and what it scored on the validation groups."""

    classifier: SlotClassifier
    recalls: np.ndarray  # (classes,) share recognised of each class; NaN where there is none
    epoch: int


def split_groups(groups: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Mask (N,) of the validation images: whole groups, chosen by a hash of their names.

    A group stays on its side when others are added, so that a retrained classifier is never
    judged by images it was trained on.
    """

    def place(group: str) -> float:
        digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    places = {group: place(str(group)) for group in np.unique(groups)}
    # Of a few groups, at least one is held back.
    limit = max(share, min(places.values(), default=0.0) * (1 + 1e-9))
    return np.array([places[group] < limit for group in groups], dtype=bool)


def balanced_draw(states: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Indices of one pass: every class equally often, the rare ones repeated, in random order."""
    classes = np.unique(states)
    each = len(states) // len(classes)
    draws = []
    for state in classes:
        members = rng.permutation(np.flatnonzero(states == state))
        draws.append(np.resize(members, max(each, 1)))
    return rng.permutation(np.concatenate(draws))


def train_classifier(
    camera: str,
    frames: np.ndarray,
    states: np.ndarray,
    groups: np.ndarray,
    settings: TrainingSettings | None = None,
    log: Callable[[str], None] = print,
) -> TrainingResult:
    """Trains on frames (N, 3, 84, 84) uint8 with states (N,) and groups (N,).

    The score that is kept and that stops the training is the worst recall of a class, then the
    mean recall, then the loss, all on groups that were held back.

    Raises:
        ValueError: a class has no training image or no image was held back.
    """
    settings = settings or TrainingSettings()
    names = [state.name for state in states_of(camera)]
    held = split_groups(groups, settings.validation_share, settings.seed)
    missing = [name for i, name in enumerate(names) if not (states[~held] == i).any()]
    if missing or not held.any():
        raise ValueError(
            f"slot classifier '{camera}': no training image of {missing or 'any held-out group'}; "
            "collect more episodes"
        )
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    network = SlotNetwork(len(names)).to(memory_format=torch.channels_last)
    train_x, train_y = torch.from_numpy(frames[~held]), torch.from_numpy(states[~held])
    held_x, held_y = frames[held], states[held]
    steps = -(-len(balanced_draw(states[~held], rng)) // settings.batch)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=1e-2
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=settings.epochs * steps, pct_start=0.15
    )
    best: tuple[float, float, float] | None = None
    kept: tuple[dict[str, torch.Tensor], np.ndarray, int] | None = None
    for epoch in range(settings.epochs):
        network.train()
        total = 0.0
        order = torch.from_numpy(balanced_draw(train_y.numpy(), rng))
        for chosen in order.split(settings.batch):
            if len(chosen) < 2:  # batch normalisation needs two
                continue
            images = augment(train_x[chosen], generator)
            loss = torch.nn.functional.cross_entropy(
                network(images.contiguous(memory_format=torch.channels_last)),
                train_y[chosen],
                label_smoothing=0.02,
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(chosen)
        classifier = SlotClassifier(camera, network)
        logits = predict(classifier, held_x)
        recalls = recall_per_class(confusion_matrix(held_y, logits.argmax(1), len(names)))
        held_loss = float(
            torch.nn.functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(held_y))
        )
        score = (float(np.nanmin(recalls)), float(np.nanmean(recalls)), -held_loss)
        better = best is None or score > best
        log(
            f"{camera} epoch {epoch + 1:2d}: loss {total / len(order):.4f}, held-out groups: "
            f"worst class {score[0]:.4f}, mean {score[1]:.4f}, loss {held_loss:.4f}"
            + (" *" if better else "")
        )
        if better:
            best, kept = score, (copy.deepcopy(network.state_dict()), recalls, epoch)
        elif kept is not None and epoch - kept[2] >= settings.patience:
            log(f"{camera}: no better for {settings.patience} epochs, stopping")
            break
    assert kept is not None
    final = SlotNetwork(len(names))
    final.load_state_dict(kept[0])
    return TrainingResult(SlotClassifier(camera, final), kept[1], kept[2])


def predict(classifier: SlotClassifier, frames: np.ndarray, batch: int = 256) -> np.ndarray:
    """Logits (N, classes) of frames (N, 3, 84, 84) uint8, batch by batch."""
    parts = [classifier.logits(frames[i : i + batch]) for i in range(0, len(frames), batch)]
    return np.concatenate(parts) if parts else np.empty((0, len(classifier.states)), np.float32)
