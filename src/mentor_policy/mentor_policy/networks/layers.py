"""Layers that compute in the type of their input and keep their weights in float32.

A float32 (or float64) input is computed as usual; a bfloat16 input meets weights rounded for this
one product, and gradients arrive at the float32 master weights.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from mentor_policy.device.cpu.cast import in_type


class Linear(nn.Linear):
    """``nn.Linear`` that follows the type of its input. ``(..., in) -> (..., out)``."""

    def reset_parameters(self) -> None:
        """Do nothing: :func:`initialise` draws from a generator of the agent's own."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, in_type(self.weight, x.dtype), in_type(self.bias, x.dtype))


class Conv2d(nn.Conv2d):
    """``nn.Conv2d`` that follows the type of its input. ``(B, C, H, W) -> (B, C', H', W')``."""

    def reset_parameters(self) -> None:
        """Do nothing: :func:`initialise` draws from a generator of the agent's own."""

    def forward(self, x: Tensor, scale: float = 1.0) -> Tensor:
        """Apply the layer; ``scale`` is a factor on x, taken into the weights."""
        weight = self.weight if scale == 1.0 else self.weight * scale
        bias = None if self.bias is None else self.bias.to(x.dtype)
        return F.conv2d(x, weight.to(x.dtype), bias, self.stride, self.padding)


class StackedLinear(nn.Module):
    """N linear layers side by side, their weights in one tensor.

    Args:
        count: N.
        in_features: width of the input of each.
        out_features: width of the output of each.
    """

    def __init__(self, count: int, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(count, out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(count, out_features))

    def forward(self, x: Tensor) -> Tensor:
        """Apply every layer to its own rows, ``(N, B, in) -> (N, B, out)``."""
        weight, bias = in_type(self.weight, x.dtype), in_type(self.bias, x.dtype)
        return torch.baddbmm(bias.unsqueeze(1), x, weight.transpose(1, 2))


class Bilinear(nn.Module):
    """Similarity ``x W y`` of every x with every y.

    Args:
        features: numbers in a row of x and of y.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(features, features))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Compare ``(B, features)`` and ``(M, features)`` to ``(B, M)``."""
        return x @ self.weight @ y.T


class LayerNorm(nn.LayerNorm):
    """``nn.LayerNorm`` computed in the type of its weights, returned in the type of its input."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.to(self.weight.dtype)).to(x.dtype)


def initialise(module: nn.Module, generator: Generator) -> None:
    """Draw new weights for all layers inside a module.

    Linear and convolution layers: orthogonal weights (gain sqrt 2 for convolutions, which a ReLU
    follows), zero biases, as in DrQ-v2. Each layer of a stack is orthogonal by itself. LayerNorm is
    set to ones and zeros, a bilinear form is uniform in [0, 1) as in TACO. Drawn on the processor,
    so that a seed gives the same weights on every device.

    Args:
        module: its layers are initialized in the order in which it lists them.
        generator: generator of the processor.
    """
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, StackedLinear):
                for weight in layer.weight:
                    _draw_orthogonal(weight, 1.0, generator)
                layer.bias.zero_()
            elif isinstance(layer, nn.Conv2d):
                _draw_orthogonal(layer.weight, math.sqrt(2.0), generator)
                if layer.bias is not None:
                    layer.bias.zero_()
            elif isinstance(layer, nn.Linear):
                _draw_orthogonal(layer.weight, 1.0, generator)
                layer.bias.zero_()
            elif isinstance(layer, nn.LayerNorm):
                layer.weight.fill_(1.0)
                layer.bias.zero_()
            elif isinstance(layer, Bilinear):
                layer.weight.copy_(torch.rand(layer.weight.shape, generator=generator))


def _draw_orthogonal(weight: Tensor, gain: float, generator: Generator) -> None:
    drawn = torch.empty(weight.shape)
    weight.copy_(nn.init.orthogonal_(drawn, gain, generator))
