"""What is learned from a batch, for each of the two networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from mentor_reward.classifier.augmentation import augment
from mentor_reward.classifier.image_network import ImageNetwork
from mentor_reward.classifier.sampling import log_frequency
from mentor_reward.classifier.segmenter_training import train_finders
from mentor_reward.classifier.slot_network import PROFILE, SlotNetwork
from mentor_reward.classifier.training_settings import TrainingSettings
from mentor_reward.dataset.labelled_images import Examples, PictureFiles, Silhouettes

_FEATURE_NOISE = 0.02
"""Standard deviation, pixels, of what is added to features while they are learned from."""
_PROFILE_NOISE = 0.004
"""Standard deviation of what is added to a profile before its state is learned: profiles of
training images are nearer to the truth than those of other images will be."""
_LEAST_VARIANCE = 1e-3
"""Square pixels: a feature that hardly ever changes is not blown up."""


class Learner(Protocol):
    """A network that is trained on examples."""

    network: Any

    @property
    def parameters(self) -> list[nn.Parameter]:
        """What the optimizer changes."""
        ...

    def begin_epoch(self) -> None:
        """Prepare the network for training."""
        ...

    def loss(self, chosen: torch.Tensor) -> torch.Tensor:
        """Return the loss of the chosen training images, indices (B,)."""
        ...

    def logits(self, frames: np.ndarray | PictureFiles) -> np.ndarray:
        """Return logits (N, classes) of views (N, 3 to 9, 84, 84) that were not learned from."""
        ...


class ImageLearner:
    """Learns the states from images whose light and colour change at every pass."""

    def __init__(self, network: ImageNetwork, train: Examples, settings: TrainingSettings) -> None:
        self.network, self._train = network, train
        self._states = torch.from_numpy(train.states)
        self._prior = settings.prior_weight * log_frequency(train.states, network.classes)
        self._generator = torch.Generator().manual_seed(settings.seed)

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All of the network."""
        return list(self.network.parameters())

    def begin_epoch(self) -> None:
        """Prepare the network for training."""
        self.network.train()

    def loss(self, chosen: torch.Tensor) -> torch.Tensor:
        """Return the cross entropy of the chosen images."""
        frames = torch.from_numpy(np.asarray(self._train.frames[chosen.numpy()]))
        batch, planes = frames.shape[:2]
        # Each view has a camera, and a change of light, of its own.
        views = augment(frames.reshape(-1, 3, *frames.shape[2:]), self._generator)
        logits = self.network(views.reshape(batch, planes, *frames.shape[2:]))
        return nn.functional.cross_entropy(logits - self._prior, self._states[chosen])

    def logits(self, frames: np.ndarray | PictureFiles) -> np.ndarray:
        """Return logits (N, classes) of images that were not learned from."""
        self.network.eval()
        return run_network(self.network, frames)


class ProfileLearner:
    """Learns where the cable is, its profile, and from that the state.

    Where an image comes with its profile, that teaches the network where the cable is, and the
    state only what states such places have; where it does not, the state teaches both. With masks
    the segmenters learn first; then features are computed once, and the rest is learned from them.
    Without masks all is learned at once, from frames whose light and colour change at every pass.

    Raises:
        ValueError: a profile has more than PROFILE numbers.
    """

    def __init__(
        self,
        network: SlotNetwork,
        train: Examples,
        settings: TrainingSettings,
        masks: Silhouettes | None,
        log: Callable[[str], None],
    ) -> None:
        if train.profiles.shape[1] > PROFILE:
            raise ValueError(
                f"the images have profiles of {train.profiles.shape[1]} numbers; at most "
                f"{PROFILE} can be learned"
            )
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if masks is not None:
            train_finders(network, masks, settings.finder_steps, settings.seed, log)
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
        """All of the network, or what follows the segmenters."""
        network = self.network
        if self._features is None:
            return list(network.parameters())
        parts = (network.features, network.profile, network.head)
        return [parameter for part in parts for parameter in part.parameters()]

    def begin_epoch(self) -> None:
        """Prepare the network for training."""
        self.network.train()
        self.network.scale.train(self._features is None)

    def loss(self, chosen: torch.Tensor) -> torch.Tensor:
        """Return the cross entropy and the profiles' error of the chosen images."""
        network, generator = self.network, self._generator
        if self._features is None:
            frames = torch.from_numpy(np.asarray(self._train.frames[chosen.numpy()]))
            features = network.measure(augment(frames, generator))
        else:
            shape = (len(chosen), self._features.shape[1])
            noise = torch.randn(shape, generator=generator)
            features = self._features[chosen] + _FEATURE_NOISE * noise
        profiles, true = network.tell(features), self._profiles[chosen]
        off = torch.randn(len(chosen), 1, generator=generator)
        off = off + 0.3 * torch.randn(profiles.shape, generator=generator)
        detached = profiles.detach() + _PROFILE_NOISE * off
        logits = network.judge(torch.where(true.isnan(), profiles, detached)) - self._prior
        loss = nn.functional.cross_entropy(logits, self._states[chosen])
        return loss + self._settings.profile_weight * profile_loss(profiles, true)

    def logits(self, frames: np.ndarray | PictureFiles) -> np.ndarray:
        """Return logits (N, classes) of images that were not learned from."""
        self.network.eval()
        if self._features is None:
            return run_network(self.network, frames)
        key = id(frames)
        if key not in self._known:
            self._known[key] = compute_features(self.network, frames)
        with torch.inference_mode():
            read: np.ndarray = self.network.read(self._known[key]).numpy()
        return read

    def _compute_once(self, log: Callable[[str], None]) -> torch.Tensor:
        network = self.network
        for finder in network.finders:
            finder.requires_grad_(False).half().float()  # as in the file
        log(f"computing the features of {len(self._train)} images once")
        features = compute_features(network, self._train.frames)
        # As in the file too: rounded afterwards, they would shift what the layers have learned.
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
        network.measure(torch.from_numpy(np.ascontiguousarray(frames[i : i + batch])))
        for i in range(0, len(frames), batch)
    ]
    return torch.cat(parts).clone() if parts else torch.empty((0, network.scale.num_features))


def profile_loss(seen: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """Return the mean absolute error of profiles (B, P), but for places where ``true`` is NaN."""
    known = ~true.isnan()
    error = (seen - true.nan_to_num()).abs() * known
    return error.sum() / known.sum().clamp(min=1)
