"""From the encoder's many numbers to the few features that actor, critic and value read."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mentor_policy.device.cpu.cast import in_type
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
        return self.after_linear(self.linear(h), state)

    def after_linear(self, x: Tensor, state: Tensor | None) -> Tensor:
        """Apply what follows the linear layer, ``(B, feature_dim) -> (B, feature_dim + S)``."""
        z = torch.tanh(self.norm(x))
        return z if state is None else torch.cat([z, state.to(z.dtype)], dim=-1)


def two_trunks(
    first: Trunk, second: Trunk, h: Tensor, state: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Apply two trunks to the same rows; only the first passes its gradient on to ``h``.

    Their linear layers are one product, which a processor computes faster than two so narrow ones:
    256 rows of 39200 numbers take 101 ms of an AMD EPYC's core forward and backward, and 119 ms
    apart; forward alone 40 and 45 ms.

    Args:
        first: a trunk.
        second: another, as wide.
        h: ``(B, in_features)``.
        state: ``(B, S)`` or None.

    Returns:
        What each returns, ``(B, feature_dim + S)``.
    """
    layers = (first.linear, second.linear)
    weight = torch.cat([in_type(layer.weight, h.dtype) for layer in layers])
    bias = torch.cat([in_type(layer.bias, h.dtype) for layer in layers])
    x, y = _TwoLinear.apply(h, weight, bias).chunk(2, dim=1)
    return first.after_linear(x, state), second.after_linear(y, state)


class _TwoLinear(torch.autograd.Function):
    """A linear layer, the second half of whose outputs passes no gradient on to its input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.linear(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        half = weight.shape[0] // 2
        grad_x = grad[:, :half] @ weight[:half] if ctx.needs_input_grad[0] else None
        return grad_x, grad.t() @ x, grad.sum(0)
