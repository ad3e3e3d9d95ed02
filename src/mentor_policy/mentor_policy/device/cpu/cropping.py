"""The random shift as crops of a padded picture, one after the other."""

from __future__ import annotations

import torch
from torch import Tensor


def crop_shift(obs: Tensor, shifts: Tensor, dtype: torch.dtype, centre: float) -> Tensor:
    """Move the window of each observation by whole pixels, repeating its border.

    Stays beside the general form (``networks/random_shift.py``) because 256 observations of
    9 x 84 x 84 take 15 ms of an AMD EPYC's core, and 65 to 70 ms by gathering.

    Args:
        obs: ``(B, C, H, W) uint8``, best in channels_last memory.
        shifts: ``(B, 2) int64``, pixels (down, right).
        dtype: type of the result.
        centre: taken off every pixel.

    Returns:
        ``(B, C, H, W)`` in channels_last memory.
    """
    pixels = obs.permute(0, 2, 3, 1)
    height, width = pixels.shape[1:3]
    pad = int(shifts.abs().max())
    padded = _replicate(pixels, pad)
    out = torch.empty(pixels.shape, dtype=dtype)
    for i, (down, right) in enumerate((shifts + pad).tolist()):
        window = padded[i, down : down + height, right : right + width]
        out[i].copy_(window).sub_(centre)
    return out.permute(0, 3, 1, 2)


def _replicate(pixels: Tensor, pad: int) -> Tensor:
    """Pad ``(B, H, W, C) -> (B, H + 2 pad, W + 2 pad, C)``, the border repeated."""
    batch, height, width, channels = pixels.shape
    out = pixels.new_empty(batch, height + 2 * pad, width + 2 * pad, channels)
    middle = out[:, pad : pad + height]
    middle[:, :, pad : pad + width] = pixels
    middle[:, :, :pad] = pixels[:, :, :1]
    middle[:, :, pad + width :] = pixels[:, :, -1:]
    out[:, :pad] = middle[:, :1]
    out[:, pad + height :] = middle[:, -1:]
    return out
