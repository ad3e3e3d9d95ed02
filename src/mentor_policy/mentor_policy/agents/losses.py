"""Losses that more than one paper's equation is made of, and the moving average of a target."""

from __future__ import annotations

import torch
from torch import Tensor, nn

ALMOST_SATURATED = 2.0
"""Pre-tanh magnitude beyond which the gradient of the tanh is below 0.07."""


def expectile_loss(difference: Tensor, expectile: float) -> Tensor:
    """Return the mean of |expectile - 1(difference < 0)| difference^2, 0-d.

    Args:
        difference: target minus prediction, any shape.
        expectile: 0.9 weighs targets above the prediction nine times those below.
    """
    weight = (expectile - (difference < 0).to(difference.dtype)).abs()
    return (weight * difference.square()).mean()


def saturation_loss(raw: Tensor) -> Tensor:
    """Return the mean of max(0, |raw| - 2)^2 of pre-tanh actions, 0-d.

    Zero for actions up to 0.96. Beyond, a tanh passes hardly any gradient on: an actor that runs
    off there while the critic still knows little never comes back.
    """
    return (raw.abs() - ALMOST_SATURATED).clamp(min=0.0).square().mean()


def soft_update(target: nn.Module, source: nn.Module, rate: float) -> None:
    """Move target <- (1 - rate) target + rate source, every parameter."""
    with torch.no_grad():
        torch._foreach_lerp_(list(target.parameters()), list(source.parameters()), rate)
