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
    sample = mean + noise
    return sample + (sample.clamp(-_INSIDE, _INSIDE) - sample).detach()
