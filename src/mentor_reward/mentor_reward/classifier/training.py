"""Training of a slot classifier: split by groups, balanced classes, early stopping."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from mentor_reward.classifier.augmentation import augment
from mentor_reward.classifier.confusion import confusion_matrix, recall_per_class
from mentor_reward.classifier.segmenter_training import train_finders
from mentor_reward.classifier.slot_classifier import SlotClassifier
from mentor_reward.classifier.slot_network import PROFILE, SlotNetwork
from mentor_reward.classifier.slots import states_of
from mentor_reward.dataset.labelled_images import Examples, PictureFiles, Silhouettes


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
        finder_steps: gradient steps in which the cable is learned to be found from silhouettes.
        prior_weight: how far the classifier leans to the classes that are frequent among the
            images; 0: at a border it sees each class equally often, 1: it errs least often in all.
        profile_weight: share of the profile's error in the loss, where the images tell a profile.
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


_MEASURE_NOISE = 0.02
"""Standard deviation, pixels, of what is added to measures while they are learned from."""
_PROFILE_NOISE = 0.004
"""Standard deviation of what is added to a profile before its state is learned: training shows
profiles that are nearer to the truth than those of other images will be."""
_LEAST_VARIANCE = 1e-3
"""Square pixels: a measure that hardly ever changes is not blown up."""
_EVENING_STEPS, _EVENING_RATE = 400, 0.05
"""How often a class is raised, and by how much of a logit at first."""


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


def log_frequency(states: np.ndarray) -> torch.Tensor:
    """Logarithm (classes,) of how much more frequent than the mean each class is.

    A balanced draw shows the classes of both sides of a border with other frequencies than they
    have there, and moves the border into the larger class. What is learned with this subtracted
    from the logits knows better.
    """
    counts = np.bincount(states).astype(np.float32)
    return torch.from_numpy(np.log(counts / counts.mean()))


def evening_offsets(logits: np.ndarray, states: np.ndarray) -> np.ndarray:
    """What to add to logits so that the class that is recognised least is recognised best.

    Again and again the logit of the class that is worst just then is raised a little, by less and
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
    for step in range(_EVENING_STEPS):
        offsets = offsets.copy()
        offsets[np.nanargmin(scores)] += _EVENING_RATE * (1 - step / _EVENING_STEPS)
        offsets -= offsets.mean()
        scores = recalls(offsets)
        if np.nanmin(scores) > score:
            score, best = np.nanmin(scores), offsets
    return best


def train_classifier(
    camera: str,
    examples: Examples,
    settings: TrainingSettings | None = None,
    start: SlotClassifier | None = None,
    log: Callable[[str], None] = print,
    better: Callable[[TrainingResult], None] = lambda result: None,
    silhouettes: Silhouettes | None = None,
    even_on: Examples | None = None,
) -> TrainingResult:
    """Trains on labelled frames; where they tell the cable's profile, on that too.

    Where a frame tells its profile, that teaches the network where the cable is, and the state only
    what states such places have; where it does not, the state teaches both.

    Where ``silhouettes`` tell what of the frames is cable, the network first learns to find it;
    then every frame is measured once, and the rest is learned from the measures. Without them all
    is learned at once, from frames whose light and colour change at every pass.

    ``start`` is a classifier to begin with; None: random weights. ``better`` is told of each result
    that is the best so far, so that an interruption loses nothing. The score that is kept and that
    stops the training is the mean recall of the classes, then the worst one, then the loss, all on
    groups that were held back. The classifier that is returned is evened out on these groups and on
    ``even_on``, further images that were not learned from (see evening_offsets); its recalls are
    those of the groups after that.

    Raises:
        ValueError: a class has no training image, no image was held back, or a profile has more
            than PROFILE numbers.
    """
    settings = settings or TrainingSettings()
    names = [state.name for state in states_of(camera)]
    held = split_groups(examples.groups, settings.validation_share, settings.seed)
    train, judge = examples.chosen(~held), examples.chosen(held)
    missing = [name for i, name in enumerate(names) if not (train.states == i).any()]
    if missing or not held.any():
        raise ValueError(
            f"slot classifier '{camera}': no training image of {missing or 'any held-out group'}; "
            "collect more episodes"
        )
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    network = SlotNetwork(len(names), train.frames.shape[1] // 3)
    if start is not None:
        network.load_state_dict(start.network.state_dict())
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if silhouettes is not None:
        train_finders(network, silhouettes, settings.finder_steps, settings.seed, log)
    if train.profiles.shape[1] > PROFILE:
        raise ValueError(
            f"slot classifier '{camera}': the images tell profiles of {train.profiles.shape[1]} "
            f"numbers; at most {PROFILE} can be learned"
        )
    states = torch.from_numpy(train.states)
    profiles = torch.full((len(states), PROFILE), torch.nan)
    profiles[:, : train.profiles.shape[1]] = torch.from_numpy(train.profiles)
    prior = log_frequency(train.states)
    steps = -(-len(balanced_draw(train.states, rng)) // settings.batch)
    if silhouettes is None:
        parameters = [*network.parameters()]
        frames = torch.from_numpy(np.asarray(train.frames))
        measures = evened = None
    else:
        for finder in network.finders:
            finder.requires_grad_(False).half().float()  # as in the file
        taught = (network.features, network.profile, network.head)
        parameters = [p for part in taught for p in part.parameters()]
        log(f"{camera}: measuring {len(examples)} images once")
        measures = measure_all(network, train.frames)
        judged = measure_all(network, judge.frames)
        evened = None if even_on is None else measure_all(network, even_on.frames)
        # As in the file too: rounded afterwards, they would shift what the layers have learned.
        network.scale.running_mean = measures.mean(0).half().float()
        network.scale.running_var = (measures.var(0) + _LEAST_VARIANCE).half().float()
    optimizer = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=2e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=settings.epochs * steps, pct_start=0.15
    )
    best: tuple[float, float, float] | None = None
    kept: TrainingResult | None = None
    for epoch in range(settings.epochs):
        network.train()
        network.scale.train(measures is None)
        total = 0.0
        order = torch.from_numpy(balanced_draw(train.states, rng))
        for chosen in order.split(settings.batch):
            if len(chosen) < 2:  # batch normalisation needs two
                continue
            if measures is None:
                seen = network.measure(augment(frames[chosen], generator))
            else:
                noise = torch.randn(len(chosen), measures.shape[1], generator=generator)
                seen = measures[chosen] + _MEASURE_NOISE * noise
            told, true = network.tell(seen), profiles[chosen]
            off = torch.randn(len(chosen), 1, generator=generator)
            off = off + 0.3 * torch.randn(told.shape, generator=generator)
            judged_by = torch.where(true.isnan(), told, told.detach() + _PROFILE_NOISE * off)
            logits_drawn = network.judge(judged_by) - settings.prior_weight * prior
            loss = nn.functional.cross_entropy(logits_drawn, states[chosen])
            loss = loss + settings.profile_weight * profile_loss(told, true)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(chosen)
        classifier = SlotClassifier(camera, network)
        logits = predict(classifier, judge.frames) if measures is None else _read(network, judged)
        recalls = recall_per_class(confusion_matrix(judge.states, logits.argmax(1), len(names)))
        held_loss = float(
            nn.functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(judge.states))
        )
        score = (float(np.nanmean(recalls)), float(np.nanmin(recalls)), -held_loss)
        is_better = best is None or score > best
        log(
            f"{camera} epoch {epoch + 1:2d}: loss {total / len(order):.4f}, held-out groups: "
            f"worst class {score[1]:.4f}, mean {score[0]:.4f}, loss {held_loss:.4f}"
            + (" *" if is_better else "")
        )
        if is_better:
            told_logits, told_states = [logits], [judge.states]
            if even_on is not None:
                told_states.append(even_on.states)
                told_logits.append(
                    predict(classifier, even_on.frames)
                    if evened is None
                    else _read(network, evened)
                )
            offsets = evening_offsets(np.concatenate(told_logits), np.concatenate(told_states))
            seen_evened = (logits + offsets).argmax(1)
            recalls = recall_per_class(confusion_matrix(judge.states, seen_evened, len(names)))
            best, kept = (
                score,
                TrainingResult(_as_written(camera, network, offsets), recalls, epoch),
            )
            better(kept)
        elif kept is not None and epoch - kept.epoch >= settings.waits:
            log(f"{camera}: no better for {settings.waits} epochs, stopping")
            break
    assert kept is not None
    return kept


@torch.inference_mode()
def measure_all(
    network: SlotNetwork, frames: np.ndarray | PictureFiles, batch: int = 128
) -> torch.Tensor:
    """What the network measures in views (N, 3 to 9, 84, 84) uint8, batch by batch."""
    network.eval()
    parts = [
        network.measure(torch.from_numpy(np.ascontiguousarray(frames[i : i + batch])))
        for i in range(0, len(frames), batch)
    ]
    return torch.cat(parts).clone() if parts else torch.empty((0, network.scale.num_features))


@torch.inference_mode()
def _read(network: SlotNetwork, measures: torch.Tensor) -> np.ndarray:
    logits: np.ndarray = network.read(measures).numpy()
    return logits


def _as_written(camera: str, network: SlotNetwork, offsets: np.ndarray) -> SlotClassifier:
    """A copy in the precision of the file, with ``offsets`` (classes,) added to the logits."""
    final = SlotNetwork(network.classes, network.views)
    final.load_state_dict(network.state_dict())
    final.raise_logits(torch.from_numpy(offsets))
    final.half().float()
    return SlotClassifier(camera, final)


def profile_loss(seen: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """Mean absolute error of profiles (B, P); places where the truth is NaN do not count."""
    known = ~true.isnan()
    error = (seen - true.nan_to_num()).abs() * known
    return error.sum() / known.sum().clamp(min=1)


def predict(
    classifier: SlotClassifier, frames: np.ndarray | PictureFiles, batch: int = 256
) -> np.ndarray:
    """Logits (N, classes) of views (N, 3 to 9, 84, 84) uint8, batch by batch."""
    parts = [
        classifier.logits(np.asarray(frames[i : i + batch])) for i in range(0, len(frames), batch)
    ]
    return np.concatenate(parts) if parts else np.empty((0, len(classifier.states)), np.float32)
