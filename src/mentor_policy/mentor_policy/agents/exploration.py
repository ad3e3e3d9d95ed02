"""Exploration noise: how much, and how it is sampled.

Deviations and what they depend on are 0-d float64 tensors on the agent's device, so that an update
on CUDA never waits for the host.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

_INSIDE = 1.0 - 1e-6  # the largest action that noise leads to


def linear_schedule(start: float, end: float, duration: int, step: Tensor) -> Tensor:
    """Interpolate from start to end over ``duration`` agent steps, then stay there."""
    fraction = (step / duration).clamp(0.0, 1.0)
    return (1.0 - fraction) * start + fraction * end


def awaken_stddev(beta: Tensor, threshold: float, temperature: float) -> Tensor:
    """Compute DrM's dormancy-driven deviation: 1 / (1 + exp(-(beta - threshold) / T))."""
    return torch.sigmoid((beta - threshold) / temperature)


class CorrelatedNoise:
    """Correlated noise of unit variance: n' = c n + sqrt(1 - c^2) times new normal noise.

    Steps of an arm are small: with white noise it hardly leaves its place, with correlated noise it
    moves in about one direction for 1 / (1 - c) steps.

    Args:
        size: A, numbers in an action.
        correlation: c, from 0 (white) to below 1.
    """

    def __init__(self, size: int, correlation: float) -> None:
        self.value = torch.zeros(size)
        """``(A,)``, n, in the processor's memory: all that resumption needs."""
        self._correlation = correlation

    def next(self, generator: Generator) -> Tensor:
        """Draw the noise of the next step, ``(A,)``."""
        fresh = torch.empty_like(self.value).normal_(0.0, 1.0, generator=generator)
        keep = self._correlation
        self.value.mul_(keep).add_(fresh, alpha=math.sqrt(1.0 - keep * keep))
        return self.value


def noisy_action(mean: Tensor, stddev: Tensor, normal: Tensor, clip: float) -> Tensor:
    """Add clipped noise to mean actions, as inside updates, and keep them inside (-1, 1).

    Args:
        mean: ``(B, A)`` in [-1, 1].
        stddev: standard deviation of the noise, 0-d.
        normal: ``(B, A)``, standard normal draws.
        clip: largest size of the noise.

    Returns:
        ``(B, A)``; the gradient with respect to ``mean`` is 1 everywhere.
    """
    noise = normal.to(mean.dtype) * stddev
    return inside(mean + noise.clamp(-clip, clip))


def inside(sample: Tensor) -> Tensor:
    """Keep actions inside (-1, 1); the gradient passes as if they were there already."""
    return sample + (sample.clamp(-_INSIDE, _INSIDE) - sample).detach()
