"""The random shift, in both of its forms, against DrQ-v2's grid_sample."""

import pytest
import torch
import torch.nn.functional as F

from mentor_policy.networks import random_shift
from mentor_policy.networks.random_shift import draw_shifts, shift


def grid_sample_shift(x: torch.Tensor, shifts: torch.Tensor, pad: int) -> torch.Tensor:
    """Replicate padding and bilinear sampling at integer shifts, float64."""
    size = x.shape[-1] + 2 * pad
    padded = F.pad(x, (pad,) * 4, "replicate")
    line = torch.linspace(-1 + 1 / size, 1 - 1 / size, size, dtype=torch.float64)[: x.shape[-1]]
    down, right = torch.meshgrid(line, line, indexing="ij")
    base = torch.stack([right, down], dim=-1).expand(x.shape[0], -1, -1, -1)
    offset = (shifts.flip(1) + pad).double() * 2.0 / size  # grid_sample wants (x, y)
    grid = base + offset[:, None, None, :]
    return F.grid_sample(padded, grid, padding_mode="zeros", align_corners=False)


@pytest.fixture(params=["crops", "gather"], autouse=True)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the processor, and the one of every other device, which runs here too."""
    if request.param == "gather":
        monkeypatch.setattr(random_shift, "CROPPED_ON", ())


@pytest.mark.parametrize("pad", [1, 4])
def test_a_shift_equals_grid_sample_at_integer_shifts(pad: int) -> None:
    generator = torch.Generator().manual_seed(0)
    obs = torch.randint(0, 256, (30, 6, 20, 20), generator=generator, dtype=torch.uint8)
    shifts = torch.randint(-pad, pad + 1, (30, 2), generator=generator)
    out = shift(obs, shifts, torch.float64)
    torch.testing.assert_close(out, grid_sample_shift(obs.double(), shifts, pad))
    assert out.is_contiguous(memory_format=torch.channels_last)


def test_the_result_does_not_depend_on_the_memory_layout() -> None:
    obs = torch.randint(0, 256, (5, 3, 16, 16), dtype=torch.uint8)
    shifts = torch.randint(-4, 5, (5, 2))
    channels_last = obs.contiguous(memory_format=torch.channels_last)
    assert torch.equal(shift(obs, shifts), shift(channels_last, shifts))


def test_every_shift_occurs_and_each_observation_has_its_own() -> None:
    shifts = draw_shifts(2000, 4, torch.Generator().manual_seed(0))
    row = torch.arange(20, dtype=torch.uint8)
    obs = (row[:, None] * 12 + row).expand(2000, 1, 20, 20)
    assert len(set(shift(obs, shifts)[:, 0, 10, 10].tolist())) == 81


def test_no_shift_changes_no_pixel_and_the_centre_is_exact_in_bfloat16() -> None:
    obs = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    shifts = draw_shifts(1, 0, torch.Generator())
    assert not shifts.any()
    out = shift(obs, shifts, torch.bfloat16, 127.5)
    assert torch.equal(out.double(), obs.double() - 127.5)
