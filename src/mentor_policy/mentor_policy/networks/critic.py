"""The twin critic of DrQ-v2 and the value network of DrM."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mentor_policy.networks.layers import Linear, StackedLinear
from mentor_policy.networks.trunk import Trunk


class TwinCritic(nn.Module):
    """Two Q functions over one trunk, computed together as stacks of two.

    Args:
        trunk: its trunk, of its own.
        hidden_dim: width of the two hidden layers.
        action_size: A.
    """

    def __init__(self, trunk: Trunk, hidden_dim: int, action_size: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.first = StackedLinear(2, trunk.out_features + action_size, hidden_dim)
        self.second = StackedLinear(2, hidden_dim, hidden_dim)
        self.last = StackedLinear(2, hidden_dim, 1)

    def forward(self, h: Tensor, state: Tensor | None, action: Tensor) -> Tensor:
        """Compute both Q of ``(B, in)`` and ``(B, A)``: ``(2, B, 1)``, in the weights' type."""
        return self.heads(self.trunk(h, state), action)

    def heads(self, z: Tensor, action: Tensor) -> Tensor:
        """Compute both Q, ``(2, B, 1)``, of features ``(B, F)`` that the trunk gave."""
        x = torch.cat([z, action.to(z.dtype)], dim=-1).expand(2, -1, -1)
        x = self.second(self.first(x).relu_()).relu_()
        result: Tensor = self.last(x.to(self.last.weight.dtype))
        return result


class Value(nn.Module):
    """V of DrM's dormancy-driven exploitation: a trunk and two hidden layers.

    Args: as in :class:`TwinCritic`.
    """

    def __init__(self, trunk: Trunk, hidden_dim: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.first = Linear(trunk.out_features, hidden_dim)
        self.second = Linear(hidden_dim, hidden_dim)
        self.last = Linear(hidden_dim, 1)

    def forward(self, h: Tensor, state: Tensor | None = None) -> Tensor:
        """Compute V, ``(B, 1)`` in the type of the weights."""
        return self.head(self.trunk(h, state))

    def head(self, z: Tensor) -> Tensor:
        """Compute V, ``(B, 1)``, of features ``(B, F)`` that the trunk gave."""
        x = self.second(self.first(z).relu_()).relu_()
        result: Tensor = self.last(x.to(self.last.weight.dtype))
        return result
