"""Changes of light, colour and place under which a slot's state stays what it is."""

from __future__ import annotations

import torch


def augment(images: torch.Tensor, generator: torch.Generator, shift: int = 1) -> torch.Tensor:
    """Frames (B, 3, H, W) uint8 -> float 0..255 with random gain, tint, offset, noise and shift.

    The shift is at most ``shift`` pixels: a slot camera stands still, it is only not quite where
    it stood when it was mounted.
    """
    batch, channels, height, width = images.shape

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(shape, generator=generator)

    padded = torch.nn.functional.pad(images.float(), (shift,) * 4, mode="replicate")
    moves = torch.randint(0, 2 * shift + 1, (batch, 2), generator=generator)
    rows = moves[:, 0, None] + torch.arange(height)
    columns = moves[:, 1, None] + torch.arange(width)
    x = padded[
        torch.arange(batch)[:, None, None, None],
        torch.arange(channels)[None, :, None, None],
        rows[:, None, :, None],
        columns[:, None, None, :],
    ]
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = (x - mean) * uniform(0.8, 1.25, batch, 1, 1, 1) + mean  # contrast
    x = x * uniform(0.8, 1.25, batch, 1, 1, 1) * uniform(0.92, 1.08, batch, channels, 1, 1)
    x = x + uniform(-12.0, 12.0, batch, 1, 1, 1)
    x = x + torch.randn(x.shape, generator=generator) * uniform(0.0, 4.0, batch, 1, 1, 1)
    return x.clamp(0.0, 255.0)
