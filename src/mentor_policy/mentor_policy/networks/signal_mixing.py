"""Local signal mixing (LIX) of ALIX, and the score of gradients that steers it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor


def mix_locally(z: Tensor, radius: float, generator: Generator) -> Tensor:
    """Read every cell of a feature map at a randomly displaced place, between cells bilinearly.

    Each cell of each observation has its own displacement, uniform in ``-radius..radius`` along
    both axes and shared by the channels; the border is repeated. Backward, a cell's gradient is
    spread over its neighbours.

    Args:
        z: ``(B, C, H, W)``.
        radius: in cells.
        generator: source of the displacements.

    Returns:
        ``(B, C, H, W)`` in the type of z.
    """
    batch, _, height, width = z.shape
    shape = (batch, height, width, 2)
    moved = (torch.rand(shape, generator=generator, dtype=torch.float32) * 2.0 - 1.0) * radius
    rows, columns = torch.meshgrid(
        torch.arange(height, dtype=torch.float32),
        torch.arange(width, dtype=torch.float32),
        indexing="ij",
    )
    cells = torch.stack([columns, rows], dim=-1) + moved
    size = torch.tensor([width, height], dtype=torch.float32)
    grid = (2.0 * cells + 1.0) / size - 1.0
    dtype = torch.promote_types(z.dtype, torch.float32)
    mixed = F.grid_sample(
        z.to(dtype), grid.to(dtype), mode="bilinear", padding_mode="border", align_corners=False
    )
    return mixed.to(z.dtype)


def discontinuity(gradient: Tensor) -> Tensor:
    """Normalised discontinuity score of ALIX, smoothed: the mean of log(1 + D / g^2).

    D is the mean squared difference of a cell to its right and lower neighbours. Cells without
    gradient are left out.

    Args:
        gradient: ``(B, C, H, W)``, g, with respect to a feature map.

    Returns:
        0-d float32; 0 for a gradient without any cell.
    """
    g = gradient.to(torch.float32)
    centre = g[:, :, :-1, :-1]
    right = (g[:, :, :-1, 1:] - centre).square()
    below = (g[:, :, 1:, :-1] - centre).square()
    kept = centre != 0
    ratio = 0.5 * (right + below) / torch.where(kept, centre, torch.ones_like(centre)).square()
    total = (torch.log1p(ratio) * kept).sum()
    return total / kept.sum().clamp(min=1)
