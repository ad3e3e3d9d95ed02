"""Random shift, the augmentation of DrQ-v2, as a crop of uint8 pixels."""

from __future__ import annotations

import torch
from torch import Generator, Tensor


def random_shift(
    obs: Tensor,
    padding: int,
    generator: Generator,
    dtype: torch.dtype = torch.float32,
    centre: float = 0.0,
) -> Tensor:
    """Shift each observation by whole pixels, repeating its border.

    Equal to a bilinear ``grid_sample`` at integer shifts of the replicate-padded image: one shift
    per observation, uniform in ``-padding..padding`` for both axes.

    Args:
        obs: ``(B, C, H, W) uint8``, best in channels_last memory.
        padding: pixels to each side, 0 for no shift.
        generator: source of the shifts.
        dtype: type of the result.
        centre: taken off every pixel.

    Returns:
        ``(B, C, H, W)``, values 0..255 minus the centre, in channels_last memory, contiguous.
    """
    shifts = torch.randint(0, 2 * padding + 1, (obs.shape[0], 2), generator=generator)
    return shift(obs, shifts - padding, dtype, centre)


def shift(
    obs: Tensor, shifts: Tensor, dtype: torch.dtype = torch.float32, centre: float = 0.0
) -> Tensor:
    """Move the window of each observation by ``(B, 2) int64`` pixels (down, right).

    Output pixel (y, x) is input pixel (y + down, x + right); both clamped to the image.
    """
    pixels = obs.permute(0, 2, 3, 1)
    height, width = pixels.shape[1:3]
    out = torch.empty(pixels.shape, dtype=dtype)
    if not shifts.any():
        return out.copy_(pixels).sub_(centre).permute(0, 3, 1, 2)
    pad = int(shifts.abs().max())
    padded = _replicate(pixels, pad)
    for i, (down, right) in enumerate((shifts + pad).tolist()):
        window = padded[i, down : down + height, right : right + width]
        out[i].copy_(window).sub_(centre)
    return out.permute(0, 3, 1, 2)


def _replicate(pixels: Tensor, pad: int) -> Tensor:
    """``(B, H, W, C) -> (B, H + 2 pad, W + 2 pad, C)``, the border repeated."""
    batch, height, width, channels = pixels.shape
    out = pixels.new_empty(batch, height + 2 * pad, width + 2 * pad, channels)
    middle = out[:, pad : pad + height]
    middle[:, :, pad : pad + width] = pixels
    middle[:, :, :pad] = pixels[:, :, :1]
    middle[:, :, pad + width :] = pixels[:, :, -1:]
    out[:, :pad] = middle[:, :1]
    out[:, pad + height :] = middle[:, -1:]
    return out
