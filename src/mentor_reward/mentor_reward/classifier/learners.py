"""Losses and predictions of the two networks during training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from mentor_reward.classifier.augmentation import augment, shift
from mentor_reward.classifier.image_network import ImageNetwork
from mentor_reward.classifier.sampling import log_frequency
from mentor_reward.classifier.segmenter_training import train_segmenters
from mentor_reward.classifier.slot_network import PROFILE, SlotNetwork
from mentor_reward.classifier.training_settings import TrainingSettings
from mentor_reward.dataset.labelled_images import Examples, Masks, PictureFiles

_FEATURE_NOISE = 0.02
"""Standard deviation of the noise added to features during training, pixels."""
_PROFILE_NOISE = 0.004
"""Standard deviation of the noise added to a profile before it is classified during training:
profiles of training images are more accurate than those of other images will be."""
_TRUE_SHARE = 0.5
"""Share of a batch whose states are learned from the true profile, with noise, instead: they are
the rule itself, without what is wrong in the predicted profiles."""
_SHIFT = 5
"""Pixels by which an image network's training images are moved, at most."""
_LEAST_VARIANCE = 1e-3
"""Lower bound of a feature's variance, square pixels: one that hardly varies is not amplified."""


class Learner(Protocol):
    """A network that is trained on examples."""

    network: Any

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The parameters that the optimizer updates."""
        ...

    def begin_epoch(self) -> None:
        """Prepare the network for training."""
        ...

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        """Return the loss of a batch of training images, indices (B,)."""
        ...

    def logits(self, frames: np.ndarray | PictureFiles) -> np.ndarray:
        """Return logits (N, classes) of views (N, 3 to 9, 84, 84) that were not trained on."""
        ...


class ImageLearner:
    """Trains an ImageNetwork on augmented images.

    Args:
        network: to train.
        train: the training images.
        settings: settings of the training.
    """

    def __init__(self, network: ImageNetwork, train: Examples, settings: TrainingSettings) -> None:
        self.network, self._train = network, train
        self._states = torch.from_numpy(train.states)
        self._prior = settings.prior_weight * log_frequency(train.states, network.classes)
        self._generator = torch.Generator().manual_seed(settings.seed)

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All parameters of the network."""
        return list(self.network.parameters())

    def begin_epoch(self) -> None:
        """Prepare the network for training."""
        self.network.train()

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        """Return the cross entropy of a batch of training images, indices (B,)."""
        frames = torch.from_numpy(np.asarray(self._train.frames[batch.numpy()]))
        planes = frames.shape[1]
        # Each view is of another camera, and is augmented by itself.
        views = shift(frames.reshape(-1, 3, *frames.shape[2:]), _SHIFT, self._generator)
        views = augment(views, self._generator)
        logits = self.network(views.reshape(len(batch), planes, *frames.shape[2:]))
        return nn.functional.cross_entropy(logits - self._prior, self._states[batch])

    def logits(self, frames: np.ndarray | PictureFiles) -> np.ndarray:
        """Return logits (N, classes) of images that were not trained on."""
        self.network.eval()
        return run_network(self.network, frames)


class ProfileLearner:
    """Trains a SlotNetwork on profiles and states.

    Where an image comes with a profile, the profile trains the layers that predict it, and the
    state trains the head only; where it does not, the state trains both. With masks the segmenters
    are trained first; then the features are computed once, and the rest is trained on them. Without
    masks all is trained at once, on augmented images.

    Args:
        network: to train.
        train: the training images.
        settings: settings of the training.
        masks: segmentation masks; None: there are none.
        log: called with a line of progress.

    Raises:
        ValueError: a profile has more than PROFILE numbers.
    """

    def __init__(
        self,
        network: SlotNetwork,
        train: Examples,
        settings: TrainingSettings,
        masks: Masks | None,
        log: Callable[[str], None],
    ) -> None:
        if train.profiles.shape[1] > PROFILE:
            raise ValueError(
                f"the images have profiles of {train.profiles.shape[1]} numbers; at most "
                f"{PROFILE} are supported"
            )
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if masks is not None:
            train_segmenters(network, masks, settings.segmenter_steps, settings.seed, log)
        self.network, self._settings = network, settings
        self._generator = torch.Generator().manual_seed(settings.seed)
        self._states = torch.from_numpy(train.states)
        self._prior = settings.prior_weight * log_frequency(train.states, network.classes)
        self._profiles = torch.full((len(train), PROFILE), torch.nan)
        self._profiles[:, : train.profiles.shape[1]] = torch.from_numpy(train.profiles)
        self._train = train
        self._features = None if masks is None else self._compute_once(log)
        self._known: dict[int, torch.Tensor] = {}

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All parameters, or with masks those behind the segmenters."""
        network = self.network
        if self._features is None:
            return list(network.parameters())
        parts = (network.trunk, network.profile, network.station, network.head)
        return [parameter for part in parts for parameter in part.parameters()]

    def begin_epoch(self) -> None:
        """Prepare the network for training."""
        self.network.train()
        self.network.scale.train(self._features is None)

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        """Return the cross entropy plus the profiles' error of a batch, indices (B,)."""
        network, generator = self.network, self._generator
        if self._features is None:
            frames = torch.from_numpy(np.asarray(self._train.frames[batch.numpy()]))
            features = network.extract_features(augment(frames, generator))
        else:
            shape = (len(batch), self._features.shape[1])
            noise = torch.randn(shape, generator=generator)
            features = self._features[batch] + _FEATURE_NOISE * noise
        profiles, true = network.predict_profile(features), self._profiles[batch]
        off = torch.randn(len(batch), 1, generator=generator)
        off = off + 0.3 * torch.randn(profiles.shape, generator=generator)
        from_truth = torch.rand(len(batch), 1, generator=generator) < _TRUE_SHARE
        detached = torch.where(from_truth, true, profiles.detach()) + _PROFILE_NOISE * off
        logits = (
            network.classify_profiles(torch.where(true.isnan(), profiles, detached)) - self._prior
        )
        loss = nn.functional.cross_entropy(logits, self._states[batch])
        return loss + self._settings.profile_weight * profile_loss(profiles, true)

    def logits(self, frames: np.ndarray | PictureFiles) -> np.ndarray:
        """Return logits (N, classes) of images that were not trained on."""
        self.network.eval()
        if self._features is None:
            return run_network(self.network, frames)
        key = id(frames)
        if key not in self._known:
            self._known[key] = compute_features(self.network, frames)
        with torch.inference_mode():
            logits: np.ndarray = self.network.classify_features(self._known[key]).numpy()
        return logits

    def _compute_once(self, log: Callable[[str], None]) -> torch.Tensor:
        network = self.network
        for segmenter in network.segmenters:
            segmenter.requires_grad_(False).half().float()  # the precision of the file
        log(f"computing the features of {len(self._train)} images")
        features = compute_features(network, self._train.frames)
        # Rounded before the next layers are trained: rounding later would shift their input.
        network.scale.running_mean = features.mean(0).half().float()
        network.scale.running_var = (features.var(0) + _LEAST_VARIANCE).half().float()
        return features


@torch.inference_mode()
def run_network(
    network: SlotNetwork | ImageNetwork, frames: np.ndarray | PictureFiles, batch: int = 256
) -> np.ndarray:
    """Return logits (N, classes) of views (N, 3 to 9, 84, 84) uint8, batch by batch."""
    parts = [
        network(torch.from_numpy(np.ascontiguousarray(frames[i : i + batch]))).numpy()
        for i in range(0, len(frames), batch)
    ]
    return np.concatenate(parts) if parts else np.empty((0, network.classes), np.float32)


@torch.inference_mode()
def compute_features(
    network: SlotNetwork, frames: np.ndarray | PictureFiles, batch: int = 128
) -> torch.Tensor:
    """Return the network's features of views (N, 3 to 9, 84, 84) uint8, batch by batch."""
    network.eval()
    parts = [
        network.extract_features(torch.from_numpy(np.ascontiguousarray(frames[i : i + batch])))
        for i in range(0, len(frames), batch)
    ]
    return torch.cat(parts).clone() if parts else torch.empty((0, network.scale.num_features))


def profile_loss(predicted: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """Return the mean absolute error of profiles (B, P) where ``true`` is not NaN."""
    known = ~true.isnan()
    error = (predicted - true.nan_to_num()).abs() * known
    return error.sum() / known.sum().clamp(min=1)
