"""The convolutional encoder of DrQ-v2."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .layers import Conv2d

_CHANNELS = 32
_STRIDES = (2, 1, 1, 1)


class Encoder(nn.Module):
    """Four 3x3 convolutions of 32 channels, strides 2, 1, 1, 1, each followed by ReLU.

    84 x 84 pixels give 35 x 35 cells, 39200 numbers.

    Args:
        shape: ``(C, H, W)`` of an observation.

    Raises:
        ValueError: the observation is too small to leave a cell.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, height, width = shape
        self.convs = nn.ModuleList()
        for stride in _STRIDES:
            self.convs.append(Conv2d(channels, _CHANNELS, 3, stride))
            channels = _CHANNELS
            height, width = (height - 3) // stride + 1, (width - 3) // stride + 1
        if height < 1 or width < 1:
            raise ValueError(f"observations {shape} are too small for the encoder, from 18 x 18 on")
        self.out_shape = (height, width, channels)
        self.out_features = height * width * channels

    def forward(self, obs: Tensor) -> Tensor:
        """Encode pixels.

        Args:
            obs: ``(B, C, H, W)`` of any type, values 0..255 (pixels), in the memory format and type
                that the computation shall have (uint8 is computed in float32).

        Returns:
            ``(B, out_features)``, cells outermost, channels innermost.
        """
        x = obs if obs.is_floating_point() else obs.to(torch.float32)
        x = (x - 127.5) / 255.0  # x / 255 - 0.5; the difference is exact in bfloat16 as well
        for conv in self.convs:
            x = conv(x).relu_()
        return x.permute(0, 2, 3, 1).flatten(1)
