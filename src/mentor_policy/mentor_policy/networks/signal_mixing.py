"""Local signal mixing of ALIX, and the score of gradients that steers its range."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RANGE_PADDING = 2
"""A mixing range S of 1 reaches this many cells and a half to each side."""


class MixingRange(nn.Module):
    """The range S of the mixing, learned.

    Args:
        start: its first value, in [0, 1].
    """

    def __init__(self, start: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(start))


def mix_locally(z: Tensor, mixing_range: Tensor, direction: Tensor) -> Tensor:
    """Read a whole feature map at places displaced by the same (dy, dx), between cells bilinearly.

    Backward, a cell's gradient is spread over its neighbours.

    Args:
        z: ``(B, C, H, W)``, best in channels_last memory.
        mixing_range: S, 0-d in [0, 1].
        direction: ``(2,)`` in [-1, 1]; (dy, dx) is S * (2 + 1/2) times this, in cells.

    Returns:
        ``(B, C, H, W)`` in the type of z, in channels_last memory; the border is repeated.
    """
    displacement = mixing_range * (RANGE_PADDING + 0.5) * direction.to(mixing_range.dtype)
    cells = z.permute(0, 2, 3, 1)
    height, width = cells.shape[1:3]
    down, right = displacement.unbind()
    rows = interpolation(height, down).to(z.dtype)
    columns = interpolation(width, right).to(z.dtype)
    mixed = torch.matmul(rows, cells.flatten(2)).view(cells.shape)
    return torch.matmul(columns, mixed).permute(0, 3, 1, 2)


def interpolation(size: int, displacement: Tensor) -> Tensor:
    """Return the ``(size, size)`` matrix that reads a line of cells at displaced places.

    Row i holds the weights of the two cells around ``i + displacement``, clamped to the line.
    """
    cells = torch.arange(size, device=displacement.device)
    places = (cells + displacement).clamp(0, size - 1)
    return (1.0 - (places.unsqueeze(1) - cells).abs()).clamp(min=0.0)


def discontinuity(gradient: Tensor) -> Tensor:
    """Score how little a gradient's cells resemble their neighbours.

    With m the mean over the batch and, over the 3 x 3 cells around each, signal = the mean square
    of the eight neighbours and noise = the mean square of their differences to m: the mean over
    channels and positions of log(1 + noise / (signal + 1e-20)).

    Args:
        gradient: ``(B, C, H, W)``, g, with respect to a feature map.

    Returns:
        0-d, at least float32.
    """
    m = gradient.mean(dim=0, dtype=torch.promote_types(gradient.dtype, torch.float32))
    height, width = m.shape[-2:]
    padded = F.pad(m.unsqueeze(0), (1, 1, 1, 1), mode="replicate").squeeze(0)
    around = torch.stack(
        [padded.narrow(1, y, height).narrow(2, x, width) for y in range(3) for x in range(3)]
    )
    signal = (around.square().sum(0) - m.square()) / 8
    noise = (around - m).square().sum(0) / 8
    return torch.log1p(noise / (signal + 1e-20)).mean()
