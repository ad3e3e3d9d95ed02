"""The network that classifies a slot from where the cable lies in the frames (App. C.3)."""

from __future__ import annotations

import itertools

import torch
from torch import nn

from mentor_reward.classifier.slots import IMAGE_SIZE, SIDE_VIEW

BANDS = 28
"""Horizontal bands of a view, in each of which the cable is located."""
HIDDEN = 384
"""Width of the layers before the profile."""
PROFILE = 18
"""Numbers between the features and the logits: the cable's profile, where images come with it."""
HEAD_WIDTH = 128
"""Width of the layers that classify a profile."""
_STATIONS = PROFILE // 2
_STATION_WIDTH = 12  # numbers that the head learns to tell of each place along the slot
_PROFILE_UNIT = 0.2  # of a profile's numbers, for layers that expect numbers of about one
_WIDTH = 12  # channels of a segmenter
_FEW = 0.3  # pixels of cable below which a row hardly counts


class Segmenter(nn.Module):
    """Predicts how much of each pixel each part covers: three 3x3 convolutions and one 1x1.

    With two of them the receptive field is five pixels, and the cable, which is one pixel wide to
    the side camera, is misplaced by 0.12 pixels in the median; with three, by 0.02.

    Args:
        parts: number of PARTS that are segmented.
    """

    def __init__(self, parts: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, _WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(_WIDTH, parts, 1),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (B, parts, 84, 84) of frames (B, 3, 84, 84), float in 0..255."""
        logits: torch.Tensor = self.layers(images / 127.5 - 1.0)
        return logits

    def extract_features(self, images: torch.Tensor) -> torch.Tensor:
        """Locate each part in each band.

        Args:
            images: (B, 3, 84, 84), uint8 or float in 0..255.

        Returns:
            (B, parts * 2 * BANDS): of each part its widths in pixels, then its middles in pixels
            from the frame's centre.
        """
        frames = images.float().contiguous(memory_format=torch.channels_last)
        coverage = self(frames).sigmoid().contiguous()
        coverage = coverage.reshape(len(frames), -1, BANDS, IMAGE_SIZE // BANDS, IMAGE_SIZE)
        place = torch.arange(IMAGE_SIZE, device=coverage.device) - (IMAGE_SIZE - 1) / 2
        width = coverage.sum(-1)
        middle = (coverage * place).sum(-1) / (width + _FEW)
        return torch.stack([width.mean(-1), middle.mean(-1)], 2).flatten(1)


class SlotNetwork(nn.Module):
    """Segments each view, locates its parts, predicts the cable's profile, and classifies that.

    The features of a view are the width and middle of each part in each band of rows. They are
    accurate to a tenth of a pixel, as the borders between the states need; convolutions with stride
    are far less accurate. The side camera sees the cable one pixel wide instead of eight, so its
    view has a segmenter of its own.

    The profile describes how the cable runs along the slot, and the state is classified from the
    profile alone. Where a simulator knows true profiles, most of the weights learn positions, and
    only the small head learns where a state ends; trained on states alone, the network overfits.
    Without profiles, training decides what the numbers mean. The network has about 470,000
    parameters and takes a few milliseconds on one core.

    A state is a statement about all places along the slot, or any of them. The head therefore also
    sees what it has learned to tell of each place (is the cable inside there, and by how much), in
    ascending order: first and last are the least and the most of the slot.

    Args:
        classes: number of states.
        views: number of frames, of three planes each, in the order of VIEWS.
        parts: number of PARTS that are segmented: the cable, and the slots where they may stand
            elsewhere in every episode.
    """

    kind = "profile"

    def __init__(self, classes: int, views: int = 1, parts: int = 1) -> None:
        super().__init__()
        self.classes, self.views, self.parts = classes, views, parts
        self.segmenter = Segmenter(parts)
        self.side_segmenter = Segmenter(parts) if views > SIDE_VIEW else None
        size = views * parts * BANDS * 2
        self.scale = nn.BatchNorm1d(size, affine=False)
        self.trunk = nn.Sequential(*_gelu_layers(size, HIDDEN, HIDDEN, HIDDEN))
        self.profile = nn.Linear(HIDDEN, PROFILE)
        self.station = nn.Sequential(*_gelu_layers(2, 32), nn.Linear(32, _STATION_WIDTH))
        self.head = nn.Sequential(
            *_gelu_layers(PROFILE + _STATIONS * _STATION_WIDTH, HEAD_WIDTH, HEAD_WIDTH),
            nn.Linear(HEAD_WIDTH, classes),
        )

    @property
    def segmenters(self) -> list[Segmenter]:
        """The segmenter of each view, by the view's index."""
        own = [self.segmenter] * min(self.views, SIDE_VIEW)
        return own if self.side_segmenter is None else [*own, self.side_segmenter]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (B, classes) of views (B, 3 views, 84, 84), uint8 or float in 0..255."""
        return self.classify_features(self.extract_features(images))

    def extract_features(self, images: torch.Tensor) -> torch.Tensor:
        """Return features (B, F) of views (B, 3 views, 84, 84)."""
        views = images.split(3, dim=1)
        pairs = zip(self.segmenters, views, strict=True)
        return torch.cat([segmenter.extract_features(view) for segmenter, view in pairs], 1)

    def predict_profile(self, features: torch.Tensor) -> torch.Tensor:
        """Return profiles (B, PROFILE) of features (B, F)."""
        return self.profile(self.trunk(self.scale(features)))

    def classify_profiles(self, profiles: torch.Tensor) -> torch.Tensor:
        """Return logits (B, classes) of profiles (B, PROFILE)."""
        scaled = profiles / _PROFILE_UNIT
        offsets, heights = scaled[:, :_STATIONS], scaled[:, _STATIONS:]
        told = self.station(torch.stack([offsets.abs(), heights], 2)).sort(1).values
        return self.head(torch.cat([scaled, told.flatten(1)], 1))

    def classify_features(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits (B, classes) of features (B, F)."""
        return self.classify_profiles(self.predict_profile(features))

    @torch.no_grad()
    def shift_logits(self, offsets: torch.Tensor) -> None:
        """Add offsets (classes,) to the logits, permanently."""
        last = self.head[-1]
        assert isinstance(last, nn.Linear)
        last.bias.add_(offsets.to(last.bias.dtype))


def _gelu_layers(*widths: int) -> list[nn.Module]:
    """Return linear layers between these widths, each with a GELU behind it."""
    pairs = itertools.pairwise(widths)
    return [layer for pair in pairs for layer in (nn.Linear(*pair), nn.GELU())]
