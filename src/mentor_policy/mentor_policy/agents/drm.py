"""DrM (arXiv 2310.19668): exploration, exploitation and perturbation led by the dormant ratio."""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor, nn

from mentor_policy.agents.batch import Batch
from mentor_policy.agents.dormant import dormant_ratio
from mentor_policy.agents.drqv2 import DrQv2Agent, Metrics
from mentor_policy.agents.exploration import CorrelatedNoise, awaken_stddev, linear_schedule
from mentor_policy.agents.losses import expectile_loss
from mentor_policy.agents.optimizer import Group
from mentor_policy.agents.perturbation import fresh_weights, perturb, perturb_factor, perturbable
from mentor_policy.agents.pixel_agent import ACTING, average_of
from mentor_policy.agents.snapshot import typed_value
from mentor_policy.agents.top_performers import TopPerformers, Weights
from mentor_policy.config import DrMConfig
from mentor_policy.networks import TwinCritic, Value, two_trunks

_log = logging.getLogger(__name__)


class DrMAgent(DrQv2Agent):
    """DrQ-v2 that measures its dormant ratio beta every ``dormant_every`` updates and adapts to it.

    It is awake once beta has fallen below ``awaken_threshold``; then exploration has a schedule.

    Args: as in :class:`PixelAgent`.
    """

    settings: DrMConfig

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._beta = self._scalar(1.0)
        self._awake_since = self._scalar(math.inf)  # agent steps
        self._is_candidate = False
        self._last_perturb = 0  # agent steps
        self.top_performers = TopPerformers(self.settings.top_performers)

    def _build(self) -> dict[str, nn.Module]:
        networks = super()._build()
        trunk = self._build_trunk(networks["encoder"])
        networks["value"] = Value(trunk, self.settings.hidden_dim)
        return networks

    # Dormant ratio

    @property
    def dormant_ratio(self) -> float:
        """See :meth:`Agent.dormant_ratio`."""
        return float(self._beta)

    def update(self, batch: Batch, step: int) -> Metrics:
        """See :meth:`Agent.update`."""
        if self._is_candidate:
            raise RuntimeError("a perturbation candidate only acts; it cannot be trained")
        return super().update(batch, step)

    def _measures(self) -> bool:
        return self.updates % self.settings.dormant_every == 0

    def _measure(self, batch: Batch, h: Tensor) -> None:
        s = self.settings
        self._beta.fill_(dormant_ratio(self.actor, h, batch.state, s.dormant_threshold))
        awakens = torch.isinf(self._awake_since) & (self._beta < s.awaken_threshold)
        self._awake_since.fill_(torch.where(awakens, self._step, self._awake_since))

    # Exploration and exploitation

    def _stddev(self, step: Tensor) -> Tensor:
        s = self.settings
        awaken = awaken_stddev(self._beta, s.awaken_threshold, s.awaken_temperature)
        since = step - self._awake_since
        scheduled = linear_schedule(s.stddev_start, s.stddev_end, s.stddev_steps, since)
        return torch.where(torch.isinf(self._awake_since), awaken, torch.maximum(awaken, scheduled))

    def _exploit(self) -> Tensor:
        """Return lambda, how much of the target is V, 0 to ``exploit_max``."""
        s = self.settings
        closeness = (s.awaken_threshold - self._beta) / s.exploit_temperature
        return s.exploit_max * torch.sigmoid(closeness)

    def _critic_features(
        self, critic: TwinCritic, h: Tensor, state: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        return two_trunks(critic.trunk, self.value.trunk, h, state)

    def _next_value(self, features: Tensor, q_next: Tensor) -> Tensor:
        rate = self._exploit()
        return rate * self.value.head(features) + (1.0 - rate) * q_next

    def _critic_groups(self, rate: float) -> list[Group]:
        return [*super()._critic_groups(rate), Group(self._trained("value"), rate)]

    def _extra_critic_loss(self, features: Tensor, q: Tensor, metrics: Metrics) -> Tensor | None:
        loss = expectile_loss(q - self.value.head(features), self.settings.expectile)
        metrics["value/loss"] = loss.detach()
        metrics["exploit"] = self._exploit()
        metrics["dormant_ratio"] = self._beta.clone()
        return loss

    @property
    def value(self) -> Value:
        """The value network V."""
        return self.networks["value"]  # type: ignore[return-value]

    # Perturbation

    def end_episode(self, episode_return: float, step: int) -> dict[str, float]:
        """Admit to S_top, and perturb if it is due (Alg. 1, lines 3 to 14)."""
        report = super().end_episode(episode_return, step)
        settings = self.settings
        if settings.perturb == "task_oriented":
            weights = self._perturbable()
            report["top_performers/admitted"] = float(
                self.top_performers.admit(episode_return, weights)
            )
            report["top_performers/entries"] = float(len(self.top_performers.entries))
        interval = max(1, settings.perturb_frames // self.config.train.action_repeat)
        if settings.perturb != "none" and step - self._last_perturb >= interval:
            self._last_perturb = step
            report.update(self._perturb())
        return report

    def _perturb(self) -> dict[str, float]:
        s = self.settings
        if s.perturb == "task_oriented" and not self.top_performers.entries:
            _log.warning("perturbation is due, but S_top is empty: no weight was changed")
            return {"perturb/skipped": 1.0}
        phi = self._phi(self.generators["perturbing"])
        beta = self.dormant_ratio
        alpha = perturb_factor(beta, s.perturb_rate, s.perturb_alpha_min, s.perturb_alpha_max)
        perturb(self._perturbable(), phi, alpha)
        # Moments of the weights before the perturbation say nothing about those after it.
        for optimizer in self.optimizers.values():
            optimizer.clear([n for n in optimizer.parameters if n.split("/")[0] in self._names])
        _log.info("perturbed %s with alpha %.3f (dormant ratio %.3f)", self._names, alpha, beta)
        return {"perturb/alpha": alpha, "perturb/dormant_ratio": beta}

    @property
    def _names(self) -> list[str]:
        return list(self.settings.perturb_networks)

    def _perturbable(self) -> Mapping[str, nn.Parameter]:
        return perturbable(self.networks, self._names)

    def _phi(self, generator: Generator) -> Weights:
        """Return phi, the weights by name towards which the agent's are perturbed."""
        if self.settings.perturb == "random":
            return fresh_weights(self.networks, self._names, generator)
        return self.top_performers.sample(generator)

    def candidate(self, seed: int) -> DrMAgent:
        """See :meth:`Agent.candidate`: a copy that acts with phi, and cannot be trained."""
        if self.settings.perturb == "none":
            raise RuntimeError("agent.perturb is none, so there are no candidates")
        generator = Generator().manual_seed(seed)
        phi = self._phi(generator)
        other = copy.copy(self)
        other._is_candidate = True
        other.networks = {**self.networks}
        for name in ACTING:
            other.networks[name] = copy.deepcopy(self.networks[name])
            if average_of(name) in other.networks:  # an evaluation of phi acts with phi
                other.networks[average_of(name)] = other.networks[name]
        other._noise = CorrelatedNoise(self.action_size, self.settings.noise_correlation)
        other.generators = {name: Generator().manual_seed(seed) for name in self.generators}
        acting = [name for name in self._names if name in ACTING]
        perturb(perturbable(other.networks, acting), phi, 0.0)  # alpha 0: all of it is phi
        return other

    # State

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """See :meth:`Agent.state`."""
        tensors, values = super().state()
        tensors.update(self.top_performers.tensors())
        values.update(self.acting_values())
        values["last_perturb"] = self._last_perturb
        values["top_performers"] = self.top_performers.values()
        return tensors, values

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """See :meth:`Agent.load_state`."""
        what = f"state of {self.settings.name}"
        entries = {n: t for n, t in tensors.items() if n.startswith("top_performers/")}
        top = self.top_performers.restored(
            entries, values.get("top_performers"), self._perturbable()
        )
        dormancy = self._read_dormancy(values, what)
        last = typed_value(values, "last_perturb", (int,), what)
        super().load_state({n: t for n, t in tensors.items() if n not in entries}, values)
        self.top_performers, self._last_perturb = top, last
        self._take_dormancy(*dormancy)

    def acting_values(self) -> dict[str, Any]:
        """See :meth:`Agent.acting_values`: what the exploration noise is made of."""
        since = float(self._awake_since)
        return {
            "dormant_ratio": self.dormant_ratio,
            "awake_since": None if math.isinf(since) else int(since),
        }

    def load_acting_values(self, values: dict[str, Any]) -> None:
        """See :meth:`Agent.load_acting_values`."""
        what = f"acting values of {self.settings.name}"
        self._take_dormancy(*self._read_dormancy(values, what))

    def _read_dormancy(self, values: dict[str, Any], what: str) -> tuple[float, float]:
        """Return beta and the step of the awakening, infinite before it, from JSON-able values."""
        beta = typed_value(values, "dormant_ratio", (float,), what)
        awake = typed_value(values, "awake_since", (int, type(None)), what)
        return beta, math.inf if awake is None else float(awake)

    def _take_dormancy(self, beta: float, awake_since: float) -> None:
        self._beta.fill_(beta)
        self._awake_since.fill_(awake_since)
