"""Random shift, the augmentation of DrQ-v2, on uint8 pixels."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from mentor_policy.device.cpu.cropping import crop_shift

CROPPED_ON = ("cpu",)
"""Types of devices on which crops are the faster form."""


def draw_shifts(count: int, padding: int, generator: Generator) -> Tensor:
    """Draw ``(count, 2) int64`` shifts (down, right), uniform in ``-padding..padding``."""
    return torch.randint(0, 2 * padding + 1, (count, 2), generator=generator) - padding


def shift(
    obs: Tensor, shifts: Tensor, dtype: torch.dtype = torch.float32, centre: float = 0.0
) -> Tensor:
    """Shift each observation by whole pixels, repeating its border.

    Output pixel (y, x) is input pixel (y + down, x + right), both clamped to the image. Equal to
    DrQ-v2's bilinear ``grid_sample`` at integer shifts of the replicate-padded image.

    Args:
        obs: ``(B, C, H, W) uint8``, best in channels_last memory.
        shifts: ``(B, 2) int64`` (down, right), on the same device.
        dtype: type of the result.
        centre: taken off every pixel.

    Returns:
        ``(B, C, H, W)``, values 0..255 minus the centre, in channels_last memory.
    """
    if obs.device.type in CROPPED_ON:
        return crop_shift(obs, shifts, dtype, centre)
    pixels = obs.permute(0, 2, 3, 1)
    for axis in (1, 2):
        size = pixels.shape[axis]
        cells = torch.arange(size, device=obs.device) + shifts.narrow(1, axis - 1, 1)
        index = cells.clamp(0, size - 1).unsqueeze(3 - axis).unsqueeze(3)
        pixels = pixels.gather(axis, index.expand(pixels.shape))
    return (pixels.to(dtype) - centre).permute(0, 3, 1, 2)
