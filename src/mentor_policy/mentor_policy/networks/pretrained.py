"""The pretrained encoder: a small trainable CNN that features of a frozen network flow into.

The idea is SpawnNet's (Lin et al., 2024): 1x1 adapters fuse the features of two stages of a network
trained on ImageNet into a CNN that reads the pixels itself. Time enters as differences of frames.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mentor_common.messages.frames import FrameLayout
from mentor_policy.networks.efficientnet import FrozenEfficientNet, stage_channels
from mentor_policy.networks.encoder import PIXEL_CENTRE
from mentor_policy.networks.layers import Conv2d

_CHANNELS = 32


class PretrainedEncoder(nn.Module):
    """Takes the place of :class:`Encoder`; 84 x 84 pixels give 14 x 14 cells, 6272 numbers.

    Args:
        layout: pixels of an observation.
        stages: two stages of the frozen network, 1..7; each is fused once, the first one earlier.
        input_size: pixels, height and width that a frame is resized to for the frozen network.
        adapter_channels: channels of each adapter.

    Raises:
        ValueError: the observation is too small to leave a cell, or stages are not two.
        RuntimeError: the pretrained weights are not installed.
    """

    def __init__(
        self, layout: FrameLayout, stages: tuple[int, ...], input_size: int, adapter_channels: int
    ) -> None:
        super().__init__()
        if len(stages) != 2:
            raise ValueError(f"agent.pretrained.stages is {list(stages)}; two stages are fused")
        self.layout = layout
        self.input_size = input_size
        self.frozen = FrozenEfficientNet(stages)
        early, late = (stage_channels(s) * layout.frames * len(layout.cameras) for s in stages)
        self.adapters = nn.ModuleList(
            [Conv2d(early, adapter_channels, 1), Conv2d(late, adapter_channels, 1)]
        )
        joint = _CHANNELS + adapter_channels
        self.convs = nn.ModuleList(
            [
                Conv2d(layout.channels, _CHANNELS, 3, 2),
                Conv2d(_CHANNELS, _CHANNELS, 3, 2),
                Conv2d(joint, _CHANNELS, 3),
                Conv2d(_CHANNELS, _CHANNELS, 3),
                Conv2d(joint, _CHANNELS, 3),
            ]
        )
        height, width = layout.height, layout.width
        for stride in (2, 2, 1, 1, 1):
            height, width = (height - 3) // stride + 1, (width - 3) // stride + 1
        if height < 1 or width < 1:
            raise ValueError(f"observations {layout.shape} are too small, from 31 x 31 on")
        self.out_shape = (height, width, _CHANNELS)
        self.out_features = height * width * _CHANNELS

    def forward(self, obs: Tensor) -> Tensor:
        """Encode pixels.

        Args:
            obs: ``(B, C, H, W)``, pixels minus ``PIXEL_CENTRE``, in the type to compute in.

        Returns:
            ``(B, out_features)``, cells outermost, channels innermost.
        """
        early, late = self._features(obs)
        x: Tensor = self._differences(obs / 255.0)
        x = self.convs[1](self.convs[0](x).relu()).relu()
        x = self.convs[2](torch.cat([x, self._adapted(0, early, x)], dim=1)).relu()
        x = self.convs[3](x).relu()
        x = self.convs[4](torch.cat([x, self._adapted(1, late, x)], dim=1)).relu()
        return x.permute(0, 2, 3, 1).flatten(1)

    def _features(self, obs: Tensor) -> list[Tensor]:
        """Return the features by stage: of the newest frame, and the differences.

        Each has shape ``(B, cameras x frames x channels, H', W')``.
        """
        batch, _, height, width = obs.shape
        with torch.no_grad():
            frames = (obs + PIXEL_CENTRE).reshape(-1, 3, height, width)
            if (height, width) != (self.input_size, self.input_size):
                size = (self.input_size, self.input_size)
                frames = F.interpolate(frames, size=size, mode="bilinear", align_corners=False)
            frames = frames.contiguous(memory_format=torch.channels_last)
            features = self.frozen(frames)
            return [self._differences(f.reshape(batch, -1, *f.shape[-2:])) for f in features]

    def _differences(self, x: Tensor) -> Tensor:
        """Replace all frames but the newest by how much the next one differs."""
        split = x.unflatten(1, (len(self.layout.cameras), self.layout.frames, -1))
        steps = split[:, :, 1:] - split[:, :, :-1]
        return torch.cat([split[:, :, -1:], steps], dim=2).flatten(1, 3)

    def _adapted(self, which: int, features: Tensor, like: Tensor) -> Tensor:
        """Return the features through their adapter, resized to the cells of the trainable CNN."""
        y = self.adapters[which](features).relu()
        return F.interpolate(y, size=like.shape[-2:], mode="bilinear", align_corners=False)
