"""The agent `pooled`: DrQ-v2 with an encoder of its own."""

import torch.nn.functional as F
from torch import Tensor, nn

from mentor_policy.agents.drqv2 import DrQv2Agent
from mentor_policy.networks.layers import Conv2d
from toy_agent.plugin import PooledConfig


class PooledEncoder(nn.Module):
    """Average pixels over squares, then one convolution of 8 channels and a ReLU.

    Args:
        shape: ``(C, H, W)`` of an observation.
        pooling: side of a square in pixels.
    """

    def __init__(self, shape: tuple[int, int, int], pooling: int) -> None:
        super().__init__()
        channels, height, width = shape
        self.pooling = pooling
        self.conv = Conv2d(channels, 8, 1)
        self.out_features = 8 * (height // pooling) * (width // pooling)

    def forward(self, obs: Tensor) -> Tensor:
        """Encode ``(B, C, H, W)``, pixels minus 127.5, to ``(B, out_features)``."""
        means = F.avg_pool2d(obs, self.pooling)
        return self.conv(means, 1.0 / 255.0).relu().flatten(1)


class PooledAgent(DrQv2Agent):
    """DrQ-v2 with :class:`PooledEncoder`."""

    settings: PooledConfig

    def _build_encoder(self) -> nn.Module:
        return PooledEncoder(self.frame_layout.shape, self.settings.pooling)
