"""Augmentation of slot images: brightness, contrast, tint and noise, and random shifts."""

from __future__ import annotations

import torch
from torch.nn import functional


def augment(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return frames with random brightness, contrast, tint and noise.

    Args:
        images: (B, 3, H, W) uint8.
        generator: generator of the random numbers.

    Returns:
        (B, 3, H, W) float in 0..255.
    """
    batch, channels = images.shape[:2]

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(shape, generator=generator)

    x = images.float()
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    contrast = uniform(0.9, 1.12, batch, 1, 1, 1)
    gain = uniform(0.88, 1.14, batch, 1, 1, 1) * uniform(0.96, 1.04, batch, channels, 1, 1)
    offset = mean * (1.0 - contrast) * gain + uniform(-6.0, 6.0, batch, 1, 1, 1)
    # One noise pattern for the batch, scaled for each frame: one for each frame costs time only.
    pattern = torch.randn(1, *x.shape[1:], generator=generator)
    noise = pattern * uniform(0.0, 2.0, batch, 1, 1, 1)
    return x.mul_(contrast * gain).add_(offset).add_(noise).clamp_(0.0, 255.0)


def shift(frames: torch.Tensor, most: int, generator: torch.Generator) -> torch.Tensor:
    """Return each frame moved by whole pixels, at random; the border is repeated.

    A slot and the cable in it move together, so that the state stays what it is.

    Args:
        frames: (B, C, H, W).
        most: pixels, either way, along each axis.
        generator: generator of the random numbers.

    Returns:
        (B, C, H, W).
    """
    height, width = frames.shape[2:]
    padded = functional.pad(frames, (most,) * 4, mode="replicate")
    corners = torch.randint(2 * most + 1, (len(frames), 2), generator=generator).tolist()
    moved = [
        frame[:, y : y + height, x : x + width]
        for frame, (y, x) in zip(padded, corners, strict=True)
    ]
    return torch.stack(moved)
