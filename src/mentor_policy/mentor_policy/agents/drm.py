"""DrM (arXiv 2310.19668): exploration, exploitation and perturbation led by the dormant ratio."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor, nn

from mentor_policy.agents.batch import Batch
from mentor_policy.agents.dormant import dormant_ratio
from mentor_policy.agents.drqv2 import DrQv2Agent, Metrics
from mentor_policy.agents.exploration import (
    CorrelatedNoise,
    awaken_stddev,
    linear_schedule,
    sigmoid,
)
from mentor_policy.agents.perturbation import fresh_weights, perturb, perturb_factor, perturbable
from mentor_policy.agents.snapshot import typed_value
from mentor_policy.agents.top_performers import TopPerformers, Weights
from mentor_policy.config import DrMConfig
from mentor_policy.networks import Value

_log = logging.getLogger(__name__)


class DrMAgent(DrQv2Agent):
    """DrQ-v2 that measures its dormant ratio beta every ``dormant_every`` updates and lives by it.

    Args: as of :class:`DrQv2Agent`.
    """

    settings: DrMConfig

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._beta = 1.0
        self._is_candidate = False
        self._awake_since: int | None = None  # agent steps
        self._last_perturb = 0  # agent steps
        self.top_performers = TopPerformers(self.settings.top_performers)

    def _build(self) -> dict[str, nn.Module]:
        networks = super()._build()
        encoded = networks["encoder"].out_features
        assert isinstance(encoded, int)
        settings = self.settings
        networks["value"] = Value(
            encoded, settings.feature_dim, settings.hidden_dim, self.state_size
        )
        return networks

    # Dormant ratio

    @property
    def dormant_ratio(self) -> float:
        """See :meth:`Agent.dormant_ratio`."""
        return self._beta

    def _before_update(self, batch: Batch, h: Tensor, step: int) -> None:
        if self._is_candidate:
            raise RuntimeError("a perturbation candidate acts; it is not for training")
        if self.updates % self.settings.dormant_every == 0:
            threshold = self.settings.dormant_threshold
            self._beta = float(dormant_ratio(self.actor, h, batch.state, threshold))
            if self._awake_since is None and self._beta < self.settings.awaken_threshold:
                self._awake_since = step

    # Exploration and exploitation

    def _stddev(self, step: int) -> float:
        s = self.settings
        awaken = awaken_stddev(self._beta, s.awaken_threshold, s.awaken_temperature)
        if self._awake_since is None:
            return awaken
        since = step - self._awake_since
        return max(awaken, linear_schedule(s.stddev_start, s.stddev_end, s.stddev_steps, since))

    def _exploit(self) -> float:
        """lambda: how much of the target is V, 0 to ``exploit_max``."""
        s = self.settings
        return s.exploit_max * sigmoid((s.awaken_threshold - self._beta) / s.exploit_temperature)

    def _next_value(self, batch: Batch, h_next: Tensor, q_next: Tensor) -> Tensor:
        rate = self._exploit()
        value: Tensor = self.value(h_next, batch.next_state)
        return rate * value + (1.0 - rate) * q_next

    def _extra_losses(
        self, batch: Batch, h: Tensor, h_next: Tensor, q: Tensor, metrics: Metrics
    ) -> Tensor | None:
        loss = expectile_loss(q - self.value(h.detach(), batch.state), self.settings.expectile)
        metrics["value/loss"] = loss.detach()
        metrics["exploit"] = torch.tensor(self._exploit())
        metrics["dormant_ratio"] = torch.tensor(self._beta)
        return loss

    @property
    def value(self) -> Value:
        """V."""
        return self.networks["value"]  # type: ignore[return-value]

    # Perturbation

    def end_episode(self, episode_return: float, step: int) -> dict[str, float]:
        """Alg. 1, lines 3 to 14: admission to S_top, and a perturbation if one is due."""
        report: dict[str, float] = {}
        settings = self.settings
        if settings.perturb == "task_oriented":
            weights = self._perturbable()
            report["top_performers/admitted"] = float(
                self.top_performers.admit(episode_return, weights)
            )
            report["top_performers/members"] = float(len(self.top_performers.members))
        interval = max(1, settings.perturb_frames // self.config.train.action_repeat)
        if settings.perturb != "none" and step - self._last_perturb >= interval:
            self._last_perturb = step
            report.update(self._perturb())
        return report

    def _perturb(self) -> dict[str, float]:
        s = self.settings
        if s.perturb == "task_oriented" and not self.top_performers.members:
            _log.warning("perturbation is due, but S_top is empty: no weight was changed")
            return {"perturb/skipped": 1.0}
        phi = self._phi(self.generators["perturbing"])
        alpha = perturb_factor(self._beta, s.perturb_rate, s.perturb_alpha_min, s.perturb_alpha_max)
        weights = self._perturbable()
        perturb(weights, phi, alpha)
        trained = [name for name in self.optimizer.parameters if name.split("/")[0] in self._names]
        self.optimizer.clear(trained)
        _log.info(
            "perturbed %s with alpha %.3f (dormant ratio %.3f)", self._names, alpha, self._beta
        )
        return {"perturb/alpha": alpha, "perturb/dormant_ratio": self._beta}

    @property
    def _names(self) -> list[str]:
        return list(self.settings.perturb_networks)

    def _perturbable(self) -> Mapping[str, nn.Parameter]:
        return perturbable(self.networks, self._names)

    def _phi(self, generator: Generator) -> Weights:
        """A perturbation candidate: weights by name."""
        if self.settings.perturb == "random":
            return fresh_weights(self.networks, self._names, generator)
        return self.top_performers.sample(generator)

    def candidate(self, seed: int) -> DrMAgent:
        """See :meth:`Agent.candidate`. The copy acts; it is not for training."""
        if self.settings.perturb == "none":
            raise RuntimeError("agent.perturb is none, so there are no candidates")
        generator = Generator().manual_seed(seed)
        phi = self._phi(generator)
        other = copy.copy(self)
        other._is_candidate = True
        other.networks = {**self.networks}
        for name in ("encoder", "actor"):
            other.networks[name] = copy.deepcopy(self.networks[name])
        other._noise = CorrelatedNoise(self.action_size, self.settings.noise_correlation)
        other.generators = {name: Generator().manual_seed(seed) for name in self.generators}
        acting = [name for name in self._names if name in ("encoder", "actor")]
        perturb(perturbable(other.networks, acting), phi, 0.0)
        return other

    # State

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """See :meth:`Agent.state`."""
        tensors, values = super().state()
        tensors.update(self.top_performers.tensors())
        values["dormant_ratio"] = self._beta
        values["awake_since"] = self._awake_since
        values["last_perturb"] = self._last_perturb
        values["top_performers"] = self.top_performers.values()
        return tensors, values

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """See :meth:`Agent.load_state`."""
        what = f"state of {self.settings.name}"
        members = {n: t for n, t in tensors.items() if n.startswith("top_performers/")}
        top = self.top_performers.restored(
            members, values.get("top_performers"), self._perturbable()
        )
        beta = typed_value(values, "dormant_ratio", (float,), what)
        awake = typed_value(values, "awake_since", (int, type(None)), what)
        last = typed_value(values, "last_perturb", (int,), what)
        super().load_state({n: t for n, t in tensors.items() if n not in members}, values)
        self.top_performers, self._beta = top, beta
        self._awake_since, self._last_perturb = awake, last

    def acting_values(self) -> dict[str, Any]:
        """See :meth:`Agent.acting_values`: what the exploration noise is made of."""
        return {"dormant_ratio": self._beta, "awake_since": self._awake_since}

    def load_acting_values(self, values: dict[str, Any]) -> None:
        """See :meth:`Agent.load_acting_values`."""
        what = f"acting values of {self.settings.name}"
        beta = typed_value(values, "dormant_ratio", (float,), what)
        awake = typed_value(values, "awake_since", (int, type(None)), what)
        self._beta, self._awake_since = beta, awake


def expectile_loss(difference: Tensor, expectile: float) -> Tensor:
    """Mean of |expectile - 1(difference < 0)| difference^2, 0-d.

    Args:
        difference: target minus prediction, any shape.
        expectile: 0.9 weighs targets above the prediction nine times those below.
    """
    weight = (expectile - (difference < 0).to(difference.dtype)).abs()
    return (weight * difference.square()).mean()
