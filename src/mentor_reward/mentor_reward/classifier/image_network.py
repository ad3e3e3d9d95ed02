"""The network that classifies a slot from images and labels alone."""

from __future__ import annotations

import torch
from torch import nn

from mentor_reward.classifier.slots import IMAGE_SIZE

_CELLS = IMAGE_SIZE // 4  # of the last map, along each side


class ImageNetwork(nn.Module):
    """Three convolutions, then fully connected layers, which keep the position on the map.

    It needs neither profiles nor segmentation masks, which a real cell does not have. It has about
    400,000 parameters for each view.

    Args:
        classes: number of states.
        views: number of frames, of three planes each, in the order of VIEWS.
    """

    kind = "image"

    def __init__(self, classes: int, views: int = 1) -> None:
        super().__init__()
        self.classes, self.views = classes, views
        self.layers = nn.Sequential(
            nn.Conv2d(3 * views, 24, 5, stride=2, padding=2),
            nn.BatchNorm2d(24),
            nn.GELU(),
            nn.Conv2d(24, 32, 3, stride=2, padding=1),
            nn.BatchNorm2d(32),
            nn.GELU(),
            nn.Conv2d(32, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.GELU(),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(16 * _CELLS * _CELLS, 64),
            nn.GELU(),
        )
        self.head = nn.Linear(64, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (B, classes) of views (B, 3 views, 84, 84), uint8 or float in 0..255."""
        x = images.float() / 127.5 - 1.0
        # Subtract each plane's mean: the room's brightness is not a feature.
        x = x - x.mean(dim=(2, 3), keepdim=True)
        logits: torch.Tensor = self.head(self.layers(x.contiguous()))
        return logits

    @torch.no_grad()
    def shift_logits(self, offsets: torch.Tensor) -> None:
        """Add offsets (classes,) to the logits, permanently."""
        self.head.bias.add_(offsets.to(self.head.bias.dtype))
