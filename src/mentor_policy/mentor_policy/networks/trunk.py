"""From the encoder's many numbers to the few features that actor, critic and value read."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mentor_policy.networks.layers import LayerNorm, Linear


class Trunk(nn.Module):
    """Linear, LayerNorm, Tanh; the state vector, if the task has one, is joined behind them.

    Args:
        in_features: numbers from the encoder.
        feature_dim: numbers after the linear layer (50; 100 for Dog).
        state_size: S, length of the state vector, 0 without one.
    """

    def __init__(self, in_features: int, feature_dim: int, state_size: int = 0) -> None:
        super().__init__()
        self.linear = Linear(in_features, feature_dim)
        self.norm = LayerNorm(feature_dim)
        self.out_features = feature_dim + state_size

    def forward(self, h: Tensor, state: Tensor | None = None) -> Tensor:
        """Map ``(B, in_features)`` and ``(B, S)`` to ``(B, feature_dim + S)``."""
        z = torch.tanh(self.norm(self.linear(h)))
        return z if state is None else torch.cat([z, state.to(z.dtype)], dim=-1)
