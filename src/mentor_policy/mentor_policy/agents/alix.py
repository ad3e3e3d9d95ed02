"""ALIX (arXiv 2207.00986): adaptive local signal mixing in place of the random shift."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mentor_policy.agents.batch import Batch
from mentor_policy.agents.drqv2 import DrQv2Agent, Metrics
from mentor_policy.agents.snapshot import typed_value
from mentor_policy.config import AlixConfig
from mentor_policy.networks.signal_mixing import discontinuity, mix_locally


class AlixAgent(DrQv2Agent):
    """DrQ-v2 whose feature maps are mixed locally while it learns.

    The radius follows the dual objective of ALIX: it grows while the gradient that reaches the
    encoder is more discontinuous than ``mix_target``, and shrinks otherwise.

    Args: as of :class:`DrQv2Agent`.
    """

    settings: AlixConfig

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._radius = self.settings.mix_start
        self._score: Tensor | None = None

    def _encode(self, pixels: Tensor) -> Tensor:
        height, width, channels = self.encoder.out_shape
        z = self.encoder(pixels).view(-1, height, width, channels).permute(0, 3, 1, 2)
        if z.requires_grad:
            z.register_hook(self._note_gradient)
        mixed = mix_locally(z, self._radius, self.generators["updating"])
        return mixed.permute(0, 2, 3, 1).flatten(1)

    def _note_gradient(self, gradient: Tensor) -> None:
        self._score = discontinuity(gradient)

    def update(self, batch: Batch, step: int) -> Metrics:
        """See :meth:`Agent.update`."""
        metrics = super().update(batch, step)
        s = self.settings
        if self._score is not None:
            metrics["mix/discontinuity"] = self._score
            radius = self._radius + s.mix_learning_rate * (float(self._score) - s.mix_target)
            self._radius = min(max(radius, 0.0), s.mix_max)
            self._score = None
        metrics["mix/radius"] = torch.tensor(self._radius)
        return metrics

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """See :meth:`Agent.state`."""
        tensors, values = super().state()
        return tensors, {**values, "mix_radius": self._radius}

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """See :meth:`Agent.load_state`."""
        radius = typed_value(values, "mix_radius", (float,), "state of alix")
        if not 0.0 <= radius <= self.settings.mix_max:
            raise ValueError(
                f"state of alix: mix_radius is {radius}; it must be from 0 to agent.mix_max, "
                f"which is {self.settings.mix_max}"
            )
        super().load_state(tensors, values)
        self._radius = radius
