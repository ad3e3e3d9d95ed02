"""Exploration noise: how much, and how it is drawn."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

_INSIDE = 1.0 - 1e-6  # the largest action that noise leads to


def linear_schedule(start: float, end: float, duration: int, step: int) -> float:
    """From start to end over ``duration`` agent steps, then end (DrQ-v2's ``linear(...)``)."""
    fraction = min(max(step / duration, 0.0), 1.0)
    return (1.0 - fraction) * start + fraction * end


def awaken_stddev(beta: float, threshold: float, temperature: float) -> float:
    """Dormancy-driven standard deviation of DrM: 1 / (1 + exp(-(beta - threshold) / T))."""
    return sigmoid((beta - threshold) / temperature)


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)) of any finite x, without overflow."""
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    return math.exp(x) / (1.0 + math.exp(x))


class CorrelatedNoise:
    """Noise of unit variance that remembers: n' = c n + sqrt(1 - c^2) times fresh normal noise.

    Steps of an arm are small: with white noise it dances on the spot, with correlated noise it
    wanders, 1 / (1 - c) steps in about one direction.

    Args:
        size: A, numbers in an action.
        correlation: c, from 0 (white) to below 1.
    """

    def __init__(self, size: int, correlation: float) -> None:
        self.value = torch.zeros(size)
        """``(A,)``, n: all that resumption needs."""
        self._correlation = correlation

    def next(self, generator: Generator) -> Tensor:
        """Go on by a step, ``(A,)``."""
        fresh = torch.empty_like(self.value).normal_(0.0, 1.0, generator=generator)
        keep = self._correlation
        self.value.mul_(keep).add_(fresh, alpha=math.sqrt(1.0 - keep * keep))
        return self.value


def truncated_normal(
    mean: Tensor, stddev: float, generator: Generator, clip: float | None = None
) -> Tensor:
    """Sample ``mean + noise``, kept inside (-1, 1).

    Args:
        mean: ``(B, A)`` in [-1, 1].
        stddev: of the noise.
        generator: source of the noise.
        clip: largest size of the noise (inside updates), None for any.

    Returns:
        ``(B, A)``; the gradient with respect to ``mean`` is 1 everywhere.
    """
    noise = torch.empty_like(mean).normal_(0.0, 1.0, generator=generator) * stddev
    if clip is not None:
        noise = noise.clamp_(-clip, clip)
    return inside(mean + noise)


def inside(sample: Tensor) -> Tensor:
    """Keep actions inside (-1, 1); the gradient passes as if they were there already."""
    return sample + (sample.clamp(-_INSIDE, _INSIDE) - sample).detach()
