"""Changes of light and colour under which a slot's state stays what it is."""

from __future__ import annotations

import torch


def augment(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Frames (B, 3, H, W) uint8 -> float 0..255 with random brightness, contrast, tint and noise.

    Nothing is moved: a slot camera stands still, and where the cable is to the millimetre is what
    tells the states apart.
    """
    batch, channels = images.shape[:2]

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(shape, generator=generator)

    x = images.float()
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    contrast = uniform(0.9, 1.12, batch, 1, 1, 1)
    gain = uniform(0.88, 1.14, batch, 1, 1, 1) * uniform(0.96, 1.04, batch, channels, 1, 1)
    offset = mean * (1.0 - contrast) * gain + uniform(-6.0, 6.0, batch, 1, 1, 1)
    # One pattern of noise for the batch, of another strength for each frame: the rest is time lost.
    pattern = torch.randn(1, *x.shape[1:], generator=generator)
    noise = pattern * uniform(0.0, 2.0, batch, 1, 1, 1)
    return x.mul_(contrast * gain).add_(offset).add_(noise).clamp_(0.0, 255.0)
