"""ALIX (arXiv 2207.00986): adaptive local signal mixing in place of the random shift."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mentor_policy.agents.drqv2 import Draws, DrQv2Agent, Metrics
from mentor_policy.agents.optimizer import Group
from mentor_policy.config import AlixConfig
from mentor_policy.networks import PIXEL_CENTRE, Encoder
from mentor_policy.networks.random_shift import shift
from mentor_policy.networks.signal_mixing import MixingRange, discontinuity, mix_locally

_BETAS = (0.5, 0.999)  # of Adam, for the mixing range


class AlixAgent(DrQv2Agent):
    """DrQ-v2 whose feature maps are mixed locally while it learns.

    Mixing stands behind each ReLU of the encoder, with one range S for all. S takes a step with the
    encoder's Adam: it grows while the gradient that reaches the encoder's output is more
    discontinuous than ``mix_target``, and shrinks otherwise.

    Args: as in :class:`PixelAgent`.
    """

    settings: AlixConfig
    _map: Tensor
    """``(B, C, H, W)``, the encoder's last feature map of the observations, mixed."""
    _score: Tensor
    """0-d, discontinuity of the gradient that reached it."""

    def _build(self) -> dict[str, nn.Module]:
        return {**super()._build(), "mixing": MixingRange(self.settings.mix_start)}

    @property
    def mixing_range(self) -> Tensor:
        """S, 0-d; clamped to [0, 1] before each use."""
        return self.networks["mixing"].value  # type: ignore[return-value]

    def _critic_groups(self, rate: float) -> list[Group]:
        mixing = Group(self._trained("mixing"), self.settings.mix_learning_rate, _BETAS)
        return [*super()._critic_groups(rate), mixing]

    def _draw(self, size: int) -> Draws:
        draws, generator = super()._draw(size), self.generators["updating"]
        for name in ("next_obs", "obs"):
            directions = torch.rand(len(self._convolutions), 2, generator=generator)
            draws[f"{name}/mixing"] = directions * 2.0 - 1.0
        return draws

    @property
    def _convolutions(self) -> nn.ModuleList:
        assert isinstance(self.encoder, Encoder)
        return self.encoder.convs

    def _encode(self, name: str, pixels: Tensor, draws: Draws) -> Tensor:
        with torch.no_grad():
            mixing_range = self.mixing_range.clamp_(0.0, 1.0).clone()
        directions = draws[f"{name}/mixing"].unbind()

        def mix(number: int, z: Tensor) -> Tensor:
            z = mix_locally(z, mixing_range, directions[number])
            if name == "obs":
                self._map = z
            return z

        assert isinstance(self.encoder, Encoder)
        pixels = shift(pixels, draws[f"{name}/shift"], self.dtype, PIXEL_CENTRE)
        return self.encoder(pixels, mix)  # type: ignore[no-any-return]

    def _critic_step(self, *args: Any) -> None:
        super()._critic_step(*args)
        metrics: Metrics = args[-1]
        metrics["mix/discontinuity"] = self._score
        metrics["mix/range"] = self.mixing_range.detach().clone()

    def _gradients(self, which: str, loss: Tensor) -> dict[str, Tensor]:
        if which != "critic":
            return super()._gradients(which, loss)
        parameters = {**self.optimizers[which].parameters}
        range_name, mixing_range = parameters.popitem()
        *gradients, reached = torch.autograd.grad(loss, [*parameters.values(), self._map])
        self._score = discontinuity(reached)
        named = dict(zip(parameters, gradients, strict=True))
        named[range_name] = (self.settings.mix_target - self._score).to(mixing_range.dtype)
        return named
