"""Training of a slot classifier: split by groups, balanced classes, early stopping."""

from __future__ import annotations

import copy
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
from mentor_reward.dataset.labelled_images import Examples, Masks, PictureFiles

Network = Literal["auto", "profile", "image"]
Score = tuple[float, float, float]


def train_classifier(
    camera: str,
    examples: Examples,
    settings: TrainingSettings | None = None,
    start: SlotClassifier | None = None,
    log: Callable[[str], None] = print,
    on_improvement: Callable[[TrainingResult], None] = lambda result: None,
    masks: Masks | None = None,
    calibrate_on: Examples | None = None,
    network: Network = "auto",
) -> TrainingResult:
    """Train a classifier on labelled images.

    The best network is chosen, and training stopped early, by the mean recall of the classes, then
    the lowest recall, then the loss, all on held-out groups.

    Args:
        camera: the slot camera.
        examples: labelled images.
        settings: settings of the training.
        start: network whose weights training starts from; None: random weights.
        log: called with a line for each epoch.
        on_improvement: called with each best result so far, so that an interruption loses nothing.
        masks: segmentation masks, for the profile network.
        calibrate_on: further images, not trained on, on which the logits are calibrated, together
            with the held-out groups (see calibration_offsets).
        network: "profile" locates the cable first, trained on a simulator's profiles and masks;
            "image" needs images and labels only. "auto" means profile where there are profiles or
            masks, or where ``start`` is of that kind.

    Returns:
        The best classifier, calibrated, with its recalls on the held-out groups.

    Raises:
        ValueError: a class has no training image, no group was held out, or the images do not fit
            the network.
    """
    settings = settings or TrainingSettings()
    held_out = split_groups(examples.groups, settings.validation_share, settings.seed)
    train, held = examples.subset(~held_out), examples.subset(held_out)
    _check_classes(camera, train, held)
    torch.manual_seed(settings.seed)
    learner = _make_learner(camera, train, settings, start, log, masks, network)
    return _Training(camera, learner, train, held, calibrate_on, settings).run(log, on_improvement)


def predict(
    classifier: SlotClassifier, frames: np.ndarray | PictureFiles, batch: int = 256
) -> np.ndarray:
    """Compute logits, batch by batch.

    Args:
        classifier: classifier of one slot.
        frames: views (N, 3 to 9, 84, 84) uint8.
        batch: images of a forward pass.

    Returns:
        (N, classes) float32.
    """
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
            "collect and label more: images of at least two groups (episodes, recordings)"
        )


def _make_learner(
    camera: str,
    train: Examples,
    settings: TrainingSettings,
    start: SlotClassifier | None,
    log: Callable[[str], None],
    masks: Masks | None,
    network: Network,
) -> Learner:
    classes, views = len(states_of(camera)), train.frames.shape[1] // 3
    profiles = masks is not None or train.profiles.shape[1] > 0
    if network == "auto":
        started = start is not None and isinstance(start.network, SlotNetwork)
        network = "profile" if profiles or started else "image"
    made: SlotNetwork | ImageNetwork
    if network == "profile":
        parts = 1 if masks is None else masks.coverage.shape[1]
        if masks is None and start is not None and isinstance(start.network, SlotNetwork):
            parts = start.network.parts
        made = SlotNetwork(classes, views, parts)
    else:
        made = ImageNetwork(classes, views)
    if start is not None:
        try:
            made.load_state_dict(start.network.state_dict())
        except RuntimeError as error:
            raise ValueError(
                f"the weights to start from are of another network: {error}"
            ) from error
    if isinstance(made, ImageNetwork):
        return ImageLearner(made, train, settings)
    return ProfileLearner(made, train, settings, masks, log)


class _Training:
    """The epochs of one learner; keeps the best result."""

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
        self, log: Callable[[str], None], on_improvement: Callable[[TrainingResult], None]
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
                f"lowest recall {score[1]:.4f}, mean recall {score[0]:.4f}, loss {-score[2]:.4f}"
                + (" *" if is_better else "")
            )
            if is_better:
                best, kept = score, self._result(logits, epoch)
                on_improvement(kept)
            elif kept is not None and epoch - kept.epoch >= self._settings.patience_epochs:
                log(
                    f"{self._camera}: no improvement for {self._settings.patience_epochs} epochs, "
                    "stopping"
                )
                break
        assert kept is not None
        return kept

    def _epoch(self) -> float:
        """Train one epoch; return the mean loss."""
        self._learner.begin_epoch()
        total = 0.0
        order = torch.from_numpy(balanced_draw(self._train.states, self._rng))
        for batch in order.split(self._settings.batch):
            if len(batch) < 2:  # batch normalisation needs two
                continue
            loss = self._learner.loss(batch)
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            self._schedule.step()
            total += float(loss.detach()) * len(batch)
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
        """Return a calibrated copy of the network, in the precision of its file."""
        all_logits, all_states = [logits], [self._held.states]
        if self._calibrate_on is not None:
            all_logits.append(self._learner.logits(self._calibrate_on.frames))
            all_states.append(self._calibrate_on.states)
        offsets = calibration_offsets(np.concatenate(all_logits), np.concatenate(all_states))
        final = copy.deepcopy(self._learner.network)
        final.shift_logits(torch.from_numpy(offsets))
        final.half().float()
        return TrainingResult(
            SlotClassifier(self._camera, final), self._recalls(logits + offsets), epoch
        )
