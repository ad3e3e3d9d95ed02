"""Uniform actions, whatever is observed: the floor of every comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from mentor_policy.agents.base import ActionArray, Agent, Pixels, Vector
from mentor_policy.agents.batch import Batch
from mentor_policy.agents.shape import Shape
from mentor_policy.agents.snapshot import check_tensors, set_generator
from mentor_policy.config import Config


class RandomAgent(Agent):
    """Uniform actions in [-1, 1], whatever it sees.

    Args:
        config: the run; it has no settings for this agent.
        shape: sizes of observations and actions.
        seed: seed of the actions.
        device: that of the run; the actions are drawn on the processor.
    """

    def __init__(
        self, config: Config, shape: Shape, seed: int, device: torch.device | None = None
    ) -> None:
        super().__init__(shape.action_size)
        self._generator = Generator().manual_seed(seed * 1_000_003 + 1)

    def act_with_mean(
        self, obs: Pixels, state: Vector | None = None, *, step: int, evaluate: bool
    ) -> tuple[ActionArray, ActionArray]:
        """See :meth:`Agent.act_with_mean`; the mean of uniform actions is 0."""
        action = torch.rand(self.action_size, generator=self._generator) * 2.0 - 1.0
        return np.asarray(action.numpy(), np.float32), np.zeros(self.action_size, np.float32)

    def update(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Learn nothing."""
        return {}

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """See :meth:`Agent.state`."""
        return {"generator/acting": self._generator.get_state()}, {"agent": "random"}

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """See :meth:`Agent.load_state`."""
        check_tensors(self.state()[0], tensors, "state of random")
        if values.get("agent") != "random":
            raise ValueError(f"state of random: it is of {values.get('agent')!r}, another agent")
        set_generator(self._generator, tensors["generator/acting"], "generator/acting")

    def acting_state(self) -> dict[str, Tensor]:
        """Return nothing: acting needs no weights."""
        return {}

    def load_acting_state(self, tensors: dict[str, Tensor]) -> None:
        """See :meth:`Agent.load_acting_state`."""
        check_tensors({}, tensors, "weights of random")
