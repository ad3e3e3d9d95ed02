"""Training of a slot classifier: split by groups, balanced classes, early stopping."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from torch import nn

from mentor_reward.classifier.calibration import calibration_offsets
from mentor_reward.classifier.confusion import confusion_matrix, recall_per_class
from mentor_reward.classifier.image_network import ImageNetwork
from mentor_reward.classifier.learners import ImageLearner, Learner, ProfileLearner
from mentor_reward.classifier.sampling import balanced_draw, split_groups
from mentor_reward.classifier.slot_classifier import SlotClassifier
from mentor_reward.classifier.slot_network import SlotNetwork
from mentor_reward.classifier.slots import states_of
from mentor_reward.classifier.training_settings import TrainingResult, TrainingSettings
from mentor_reward.dataset.labelled_images import Examples, PictureFiles, Silhouettes

Network = Literal["auto", "profile", "image"]
Score = tuple[float, float, float]


def train_classifier(
    camera: str,
    examples: Examples,
    settings: TrainingSettings | None = None,
    start: SlotClassifier | None = None,
    log: Callable[[str], None] = print,
    better: Callable[[TrainingResult], None] = lambda result: None,
    silhouettes: Silhouettes | None = None,
    even_on: Examples | None = None,
    network: Network = "auto",
) -> TrainingResult:
    """Train a classifier on labelled images.

    The score that is kept and that stops the training is the mean recall of the classes, then the
    worst one, then the loss, all on groups that were held back.

    Args:
        camera: the slot camera.
        examples: labelled images.
        settings: of the training.
        start: a classifier to begin with; None: random weights.
        log: called with a line for each epoch.
        better: called with each result that is the best so far: an interruption loses nothing.
        silhouettes: segmentation masks of the cable, for the profile network.
        even_on: further images, not learned from, on which the logits are calibrated, together
            with those held back (see calibration_offsets).
        network: "profile" learns where the cable is before it tells the state, from the profiles
            and masks of a simulator; "image" needs nothing but images and labels. "auto": profile
            where there are profiles or masks, or where ``start`` is one.

    Returns:
        The best classifier, calibrated; its recalls are those of the held-back groups after that.

    Raises:
        ValueError: a class has no training image, no image was held back, or the images do not
            fit the network.
    """
    settings = settings or TrainingSettings()
    held_back = split_groups(examples.groups, settings.validation_share, settings.seed)
    train, held = examples.chosen(~held_back), examples.chosen(held_back)
    _check_classes(camera, train, held)
    torch.manual_seed(settings.seed)
    learner = _make_learner(camera, train, settings, start, log, silhouettes, network)
    return _Training(camera, learner, train, held, even_on, settings).run(log, better)


def predict(
    classifier: SlotClassifier, frames: np.ndarray | PictureFiles, batch: int = 256
) -> np.ndarray:
    """Return logits (N, classes) of views (N, 3 to 9, 84, 84) uint8, batch by batch."""
    parts = [
        classifier.logits(np.asarray(frames[i : i + batch])) for i in range(0, len(frames), batch)
    ]
    return np.concatenate(parts) if parts else np.empty((0, len(classifier.states)), np.float32)


def _check_classes(camera: str, train: Examples, held: Examples) -> None:
    names = [state.name for state in states_of(camera)]
    missing = [name for i, name in enumerate(names) if not (train.states == i).any()]
    if missing or not len(held):
        raise ValueError(
            f"slot classifier '{camera}': no training image of {missing or 'any held-out group'}; "
            "collect and label more: images of two groups (episodes, recordings) at least"
        )


def _make_learner(
    camera: str,
    train: Examples,
    settings: TrainingSettings,
    start: SlotClassifier | None,
    log: Callable[[str], None],
    masks: Silhouettes | None,
    network: Network,
) -> Learner:
    classes, views = len(states_of(camera)), train.frames.shape[1] // 3
    profiles = masks is not None or train.profiles.shape[1] > 0
    if network == "auto":
        started = start is not None and isinstance(start.network, SlotNetwork)
        network = "profile" if profiles or started else "image"
    made = SlotNetwork(classes, views) if network == "profile" else ImageNetwork(classes, views)
    if start is not None:
        try:
            made.load_state_dict(start.network.state_dict())
        except RuntimeError as error:
            raise ValueError(
                f"the weights to begin with are of another network: {error}"
            ) from error
    if isinstance(made, ImageNetwork):
        return ImageLearner(made, train, settings)
    return ProfileLearner(made, train, settings, masks, log)


class _Training:
    """Epochs of one learner, and the best of them."""

    def __init__(
        self,
        camera: str,
        learner: Learner,
        train: Examples,
        held: Examples,
        calibrate_on: Examples | None,
        settings: TrainingSettings,
    ) -> None:
        self._camera, self._learner, self._settings = camera, learner, settings
        self._train, self._held, self._calibrate_on = train, held, calibrate_on
        self._classes = len(states_of(camera))
        self._rng = np.random.default_rng(settings.seed)
        batches = -(-len(balanced_draw(train.states, self._rng)) // settings.batch)
        self._optimizer = torch.optim.AdamW(
            learner.parameters, lr=settings.learning_rate, weight_decay=2e-2
        )
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer,
            settings.learning_rate,
            total_steps=settings.epochs * batches,
            pct_start=0.15,
        )

    def run(
        self, log: Callable[[str], None], better: Callable[[TrainingResult], None]
    ) -> TrainingResult:
        """Train until the score no longer improves; return the best result."""
        best: Score | None = None
        kept: TrainingResult | None = None
        for epoch in range(self._settings.epochs):
            loss = self._epoch()
            logits = self._learner.logits(self._held.frames)
            score = self._score(logits)
            is_better = best is None or score > best
            log(
                f"{self._camera} epoch {epoch + 1:2d}: loss {loss:.4f}, held-out groups: "
                f"worst class {score[1]:.4f}, mean {score[0]:.4f}, loss {-score[2]:.4f}"
                + (" *" if is_better else "")
            )
            if is_better:
                best, kept = score, self._result(logits, epoch)
                better(kept)
            elif kept is not None and epoch - kept.epoch >= self._settings.waits:
                log(f"{self._camera}: no better for {self._settings.waits} epochs, stopping")
                break
        assert kept is not None
        return kept

    def _epoch(self) -> float:
        """Make one pass; return the mean loss."""
        self._learner.begin_epoch()
        total = 0.0
        order = torch.from_numpy(balanced_draw(self._train.states, self._rng))
        for chosen in order.split(self._settings.batch):
            if len(chosen) < 2:  # batch normalisation needs two
                continue
            loss = self._learner.loss(chosen)
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            self._schedule.step()
            total += float(loss.detach()) * len(chosen)
        return total / len(order)

    def _recalls(self, logits: np.ndarray) -> np.ndarray:
        matrix = confusion_matrix(self._held.states, logits.argmax(1), self._classes)
        return recall_per_class(matrix)

    def _score(self, logits: np.ndarray) -> Score:
        recalls = self._recalls(logits)
        loss = nn.functional.cross_entropy(
            torch.from_numpy(logits), torch.from_numpy(self._held.states)
        )
        return float(np.nanmean(recalls)), float(np.nanmin(recalls)), -float(loss)

    def _result(self, logits: np.ndarray, epoch: int) -> TrainingResult:
        """Calibrate a copy of the network, in the precision of its file."""
        all_logits, all_states = [logits], [self._held.states]
        if self._calibrate_on is not None:
            all_logits.append(self._learner.logits(self._calibrate_on.frames))
            all_states.append(self._calibrate_on.states)
        offsets = calibration_offsets(np.concatenate(all_logits), np.concatenate(all_states))
        network = self._learner.network
        final = type(network)(network.classes, network.views)
        final.load_state_dict(network.state_dict())
        final.raise_logits(torch.from_numpy(offsets))
        final.half().float()
        return TrainingResult(
            SlotClassifier(self._camera, final), self._recalls(logits + offsets), epoch
        )
