"""The policy: a trunk, one layer in, a middle (linear or mixture of experts), one layer out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mentor_policy.networks.layers import Linear
from mentor_policy.networks.moe import MixtureOfExperts, Routing
from mentor_policy.networks.trunk import Trunk


class Actor(nn.Module):
    """``pi(o)`` of Alg. 2: trunk -> Linear, ReLU -> middle -> ReLU -> Linear -> tanh.

    With a linear middle this is the MLP (1024, 1024) of DrQ-v2 and DrM.

    Args:
        trunk: its trunk, of its own.
        hidden_dim: width in front of and behind the middle.
        action_size: A.
        experts: ``(N, k, hidden width)`` of a mixture of experts; None for a linear middle.
    """

    def __init__(
        self,
        trunk: Trunk,
        hidden_dim: int,
        action_size: int,
        experts: tuple[int, int, int] | None = None,
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.first = Linear(trunk.out_features, hidden_dim)
        self.middle: Linear | MixtureOfExperts
        if experts is None:
            self.middle = Linear(hidden_dim, hidden_dim)
        else:
            count, top_k, expert_dim = experts
            self.middle = MixtureOfExperts(hidden_dim, expert_dim, count, top_k)
        self.last = Linear(hidden_dim, action_size)

    def forward(self, h: Tensor, state: Tensor | None = None) -> tuple[Tensor, Routing | None]:
        """Compute mean actions.

        Args:
            h: ``(B, in_features)`` from the encoder, in the type to compute in.
            state: ``(B, S)`` or None.

        Returns:
            ``(B, A)`` in [-1, 1], in the type of the weights, and the router's decisions (None
            without a mixture of experts).
        """
        x, routing = self.before_tanh(h, state)
        return torch.tanh(x), routing

    def before_tanh(self, h: Tensor, state: Tensor | None = None) -> tuple[Tensor, Routing | None]:
        """Compute pre-tanh actions, ``(B, A)``, of any magnitude."""
        x = self.first(self.trunk(h, state)).relu_()
        routing: Routing | None = None
        if isinstance(self.middle, MixtureOfExperts):
            x, routing = self.middle(x)
        else:
            x = self.middle(x)
        result: Tensor = self.last(x.relu().to(self.last.weight.dtype))
        return result, routing
