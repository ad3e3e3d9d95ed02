"""The network that tells from frames of the cell where the cable is (App. C.3)."""

from __future__ import annotations

import torch
from torch import nn

from mentor_reward.classifier.slots import IMAGE_SIZE, SIDE_VIEW

BANDS = 28
"""Horizontal bands of a view, in each of which the cable is located."""
HIDDEN = 384
"""Features before the profile."""
PROFILE = 18
"""Numbers between the features and the logits: the cable's profile, where images tell it."""
JUDGING = 128
"""Features of the layers that tell the state from the profile."""
_PROFILE_UNIT = 0.2  # of a profile's numbers, for layers that expect numbers of about one
_WIDTH = 12  # channels of a finder
_FEW = 0.3  # pixels of cable below which a row does not tell where it is


class CableFinder(nn.Module):
    """Tells of every pixel how much of it the cable covers: three 3x3 convolutions and one 1x1.

    With two it sees five pixels across, and misplaces the cable, which to the side camera is one
    pixel wide, by 0.12 pixels in the median; with three, by 0.02.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, _WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(_WIDTH, 1, 1),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (B, 84, 84) of the covered share, of frames (B, 3, 84, 84) float in 0..255."""
        return self.layers(images / 127.5 - 1.0)[:, 0]

    def measure(self, images: torch.Tensor) -> torch.Tensor:
        """Width and middle of the cable in each band, pixels: (B, 2 * BANDS) of (B, 3, 84, 84)."""
        frames = images.float().contiguous(memory_format=torch.channels_last)
        share = self(frames).sigmoid().reshape(-1, BANDS, IMAGE_SIZE // BANDS, IMAGE_SIZE)
        place = torch.arange(IMAGE_SIZE, device=share.device) - (IMAGE_SIZE - 1) / 2
        width = share.sum(-1)
        middle = (share * place).sum(-1) / (width + _FEW)
        return torch.cat([width.mean(-1), middle.mean(-1)], 1)


class SlotNetwork(nn.Module):
    """Finds the cable in each view, measures it, and tells the state from the measures.

    In every band of rows it measures how many pixels wide the cable is and where its middle lies.
    Position and width, which tells the distance, come out to a tenth of a pixel, as the borders of
    the states need; convolutions that halve the map at once get nowhere near. To the side camera
    the cable is a line one pixel wide, in place of eight: that view has a finder of its own.

    From the measures it tells how the cable runs along the slot, its profile, and from that alone
    the state. Where a simulator tells true profiles, the large part learns places, and only the
    small last part where a state ends; learned from the states alone, it remembered images. Where
    none are known, the numbers mean what training makes of them. About 400,000 parameters; a moment
    takes a few milliseconds on one core.

    Args:
        classes: states told apart.
        views: frames looked at, of three planes each, in the order of VIEWS.
    """

    kind = "profile"

    def __init__(self, classes: int, views: int = 1) -> None:
        super().__init__()
        self.classes, self.views = classes, views
        self.finder = CableFinder()
        self.side_finder = CableFinder() if views > SIDE_VIEW else None
        size = views * BANDS * 2
        self.scale = nn.BatchNorm1d(size, affine=False)
        self.features = nn.Sequential(
            nn.Linear(size, HIDDEN),
            nn.GELU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.GELU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.GELU(),
        )
        self.profile = nn.Linear(HIDDEN, PROFILE)
        self.head = nn.Sequential(
            nn.Linear(PROFILE, JUDGING),
            nn.GELU(),
            nn.Linear(JUDGING, JUDGING),
            nn.GELU(),
            nn.Linear(JUDGING, classes),
        )

    @property
    def finders(self) -> list[CableFinder]:
        """What finds the cable in each view, by the view's index."""
        own = [self.finder] * min(self.views, SIDE_VIEW)
        return own if self.side_finder is None else [*own, self.side_finder]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (B, classes) of views (B, 3 views, 84, 84), uint8 or float in 0..255."""
        return self.read(self.measure(images))

    def measure(self, images: torch.Tensor) -> torch.Tensor:
        """Measures (B, views * 2 * BANDS) of the cable in views (B, 3 views, 84, 84)."""
        views = images.split(3, dim=1)
        parts = [f.measure(view) for f, view in zip(self.finders, views, strict=True)]
        return torch.cat(parts, 1)

    def tell(self, measures: torch.Tensor) -> torch.Tensor:
        """The profile (B, PROFILE) that measures (B, views * 2 * BANDS) show."""
        return self.profile(self.features(self.scale(measures)))

    def judge(self, profiles: torch.Tensor) -> torch.Tensor:
        """Logits (B, classes) of profiles (B, PROFILE)."""
        return self.head(profiles / _PROFILE_UNIT)

    @torch.no_grad()
    def raise_logits(self, offsets: torch.Tensor) -> None:
        """Adds offsets (classes,) to the logits, for good."""
        last = self.head[-1]
        assert isinstance(last, nn.Linear)
        last.bias.add_(offsets.to(last.bias.dtype))

    def read(self, measures: torch.Tensor) -> torch.Tensor:
        """Logits (B, classes) of measures (B, views * 2 * BANDS)."""
        return self.judge(self.tell(measures))
