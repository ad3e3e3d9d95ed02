"""The convolutional encoder of DrQ-v2."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from mentor_policy.device.cpu.convolutions import relu_convolutions
from mentor_policy.networks.layers import Conv2d

PIXEL_CENTRE = 127.5  # (x - 127.5) / 255 is x / 255 - 0.5
_PIXEL_SCALE = 1.0 / 255.0
FUSED_ON = ("cpu",)
"""Types of devices on which convolution and ReLU are one pass."""
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
        convs: list[Conv2d] = []
        for stride in _STRIDES:
            convs.append(Conv2d(channels, _CHANNELS, 3, stride))
            channels = _CHANNELS
            height, width = (height - 3) // stride + 1, (width - 3) // stride + 1
        if height < 1 or width < 1:
            raise ValueError(f"observations {shape} are too small for the encoder, from 15 x 15 on")
        self.convs = nn.ModuleList(convs)
        self.out_shape = (height, width, channels)
        self.out_features = height * width * channels

    def forward(self, obs: Tensor, behind: Callable[[int, Tensor], Tensor] | None = None) -> Tensor:
        """Encode pixels as x / 255 - 0.5.

        Args:
            obs: ``(B, C, H, W)``, pixels minus ``PIXEL_CENTRE`` (exact in bfloat16), in the type
                and, for speed, the channels_last memory to compute in.
            behind: stands behind each ReLU: takes the number of the convolution and its feature map
                ``(B, C', H', W')``, and returns the map to continue with; None for nothing.

        Returns:
            ``(B, out_features)``, cells outermost, channels innermost.
        """
        convs = [conv for conv in self.convs if isinstance(conv, Conv2d)]
        if behind is None and obs.device.type in FUSED_ON:
            x = relu_convolutions(obs, convs, _PIXEL_SCALE)
        else:
            x = obs
            for number, conv in enumerate(convs):
                x = conv(x, 1.0 if number else _PIXEL_SCALE).relu_()
                x = x if behind is None else behind(number, x)
        return x.permute(0, 2, 3, 1).flatten(1)
