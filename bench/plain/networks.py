"""Networks as the papers write them: NCHW float32, one module per expert and per Q."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


class PlainEncoder(nn.Module):
    """The encoder of DrQ-v2."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convnet = nn.Sequential(
            nn.Conv2d(channels, 32, 3, stride=2),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3),
            nn.ReLU(),
        )

    def forward(self, obs: Tensor) -> Tensor:
        """Map ``(B, C, 84, 84)`` pixels to ``(B, 39200)``."""
        return self.convnet(obs / 255.0 - 0.5).flatten(1)


def trunk(features: int, feature_dim: int) -> nn.Sequential:
    """Return Linear, LayerNorm, Tanh."""
    return nn.Sequential(nn.Linear(features, feature_dim), nn.LayerNorm(feature_dim), nn.Tanh())


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Return a network of two hidden layers."""
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, outputs),
    )


class PlainMoE(nn.Module):
    """Eq. 1 and 2: every row goes through every expert, most of it times zero."""

    def __init__(self, width: int, hidden: int, experts: int, top_k: int) -> None:
        super().__init__()
        self.top_k = top_k
        self.router = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, experts))
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))
            for _ in range(experts)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``(B, width)`` to the mixed rows and the router's logits."""
        logits = self.router(x)
        values, chosen = logits.topk(self.top_k, dim=-1)
        weights = torch.zeros_like(logits).scatter(1, chosen, values.softmax(dim=-1))
        y = torch.stack([expert(x) for expert in self.experts], dim=1)
        return (weights.unsqueeze(-1) * y).sum(dim=1), logits


class PlainActor(nn.Module):
    """The MoE policy of Alg. 2."""

    def __init__(
        self, features: int, feature_dim: int, hidden: int, action: int, experts: int, top_k: int
    ) -> None:
        super().__init__()
        self.trunk = trunk(features, feature_dim)
        self.first = nn.Linear(feature_dim, hidden)
        self.moe = PlainMoE(hidden, 256, experts, top_k)
        self.last = nn.Linear(hidden, action)

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean action and the router's logits."""
        x, logits = self.moe(F.relu(self.first(self.trunk(h))))
        return torch.tanh(self.last(F.relu(x))), logits


class PlainCritic(nn.Module):
    """Twin Q."""

    def __init__(self, features: int, feature_dim: int, hidden: int, action: int) -> None:
        super().__init__()
        self.trunk = trunk(features, feature_dim)
        self.q1 = mlp(feature_dim + action, hidden, 1)
        self.q2 = mlp(feature_dim + action, hidden, 1)

    def forward(self, h: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """Return both Q."""
        x = torch.cat([self.trunk(h), action], dim=-1)
        return self.q1(x), self.q2(x)


class PlainValue(nn.Module):
    """V of DrM."""

    def __init__(self, features: int, feature_dim: int, hidden: int) -> None:
        super().__init__()
        self.trunk = trunk(features, feature_dim)
        self.v = mlp(feature_dim, hidden, 1)

    def forward(self, h: Tensor) -> Tensor:
        """Return V."""
        return self.v(self.trunk(h))
