"""DrQ-v2 (arXiv 2107.09645): the base that DrM, MENTOR, ALIX and TACO override."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mentor_policy.agents.batch import Batch
from mentor_policy.agents.exploration import linear_schedule, noisy_action
from mentor_policy.agents.losses import saturation_loss, soft_update
from mentor_policy.agents.optimizer import Group, NamedAdam
from mentor_policy.agents.pixel_agent import PixelAgent
from mentor_policy.device.graph import GraphedUpdate
from mentor_policy.device.transfer import to_device
from mentor_policy.networks import (
    PIXEL_CENTRE,
    Actor,
    Encoder,
    PretrainedEncoder,
    Routing,
    Trunk,
    TwinCritic,
)
from mentor_policy.networks.random_shift import draw_shifts, shift

Metrics = dict[str, Tensor]
Draws = dict[str, Tensor]
SATURATED = 0.999
"""Size of a mean action that counts as saturated in the statistics."""


class DrQv2Agent(PixelAgent):
    """Deterministic actor, twin critic, random shift, n-step returns.

    Args: as in :class:`PixelAgent`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._step = self._scalar(0)  # agent steps, as an update on the device reads them
        self._graph = GraphedUpdate(self._learn) if self.settings.cuda_graph else None

    # What the agents differ in

    def _build(self) -> dict[str, nn.Module]:
        encoder, width = self._build_encoder(), self.settings.hidden_dim
        critic, target = (
            TwinCritic(self._build_trunk(encoder), width, self._critic_action_size())
            for _ in range(2)
        )
        actor = Actor(self._build_trunk(encoder), width, self.action_size, self._experts())
        return {"encoder": encoder, "actor": actor, "critic": critic, "critic_target": target}

    def _build_encoder(self) -> nn.Module:
        """Make the encoder, not yet initialised.

        Returns:
            A module that maps ``(B, C, H, W)``, pixels minus ``PIXEL_CENTRE`` in the type that
            updates or acting compute in, to ``(B, out_features)`` of the same type, and has the
            attribute ``out_features``.
        """
        settings = self.settings.pretrained
        if self.settings.encoder == "conv":
            return Encoder(self.frame_layout.shape)
        return PretrainedEncoder(
            self.frame_layout,
            tuple(settings.stages),
            settings.input_size,
            settings.adapter_channels,
        )

    def _build_trunk(self, encoder: nn.Module) -> Trunk:
        """Return a trunk that reads the encoder's output and the state vector."""
        assert isinstance(encoder.out_features, int)
        return Trunk(encoder.out_features, self.settings.feature_dim, self.state_size)

    def _experts(self) -> tuple[int, int, int] | None:
        """Return ``(N, k, hidden width)`` of the actor's mixture of experts, None for an MLP."""
        return None

    def _critic_action_size(self) -> int:
        """Return how many numbers of an action the critic reads."""
        return self.action_size

    def _critic_action(self, action: Tensor) -> Tensor:
        """Return what the critic reads of an action, ``(B, A) -> (B, numbers)``."""
        return action

    def _make_optimizers(self) -> dict[str, NamedAdam]:
        rate = self.settings.learning_rate
        actor_rate = rate * self.settings.actor_learning_rate_ratio
        return {
            "critic": NamedAdam(self._critic_groups(rate)),
            "actor": NamedAdam([Group(self._trained("actor"), actor_rate)]),
        }

    def _critic_groups(self, rate: float) -> list[Group]:
        """Return what takes its step on the critic's loss."""
        return [Group(self._trained("encoder", "critic"), rate)]

    def _stddev(self, step: Tensor) -> Tensor:
        s = self.settings
        return linear_schedule(s.stddev_start, s.stddev_end, s.stddev_steps, step)

    def _draw(self, size: int) -> Draws:
        """Draw all random numbers of an update on ``size`` rows, on the processor."""
        generator, padding = self.generators["updating"], self.settings.shift_padding
        draws = {}
        for name in ("next_obs", "obs"):
            draws[f"{name}/shift"] = draw_shifts(size, padding, generator)
        for name in ("next_action", "action"):
            draws[f"{name}/noise"] = torch.randn(size, self.action_size, generator=generator)
        return draws

    def _measures(self) -> bool:
        """Return whether this update measures the dormant ratio."""
        return False

    def _measure(self, batch: Batch, h: Tensor) -> None:
        """Measure it on the encoded batch, before any loss is computed."""

    def _critic_features(
        self, critic: TwinCritic, h: Tensor, state: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return what the critic's heads read, and what a further loss reads, which passes no
        gradient on to ``h``; each ``(B, F)``."""
        z: Tensor = critic.trunk(h, state)
        return z, z.detach()

    def _next_value(self, features: Tensor, q_next: Tensor) -> Tensor:
        """Return the ``(B, 1)`` value of the next observation, from the smaller target Q."""
        return q_next

    def _extra_critic_loss(self, features: Tensor, q: Tensor, metrics: Metrics) -> Tensor | None:
        """Return a further loss of the critic's step, None without one.

        Args:
            features: ``(B, F)``, the second of :meth:`_critic_features`.
            q: ``(B, 1)``, smaller Q of the critic from before its step, detached.
            metrics: statistics, to be added to.
        """
        return None

    def _extra_actor_loss(self, routing: Routing | None, metrics: Metrics) -> Tensor | None:
        """Return a further loss of the actor, None without one."""
        return None

    def _auxiliary_step(self, batch: Batch, draws: Draws, metrics: Metrics) -> None:
        """Take whatever step follows the update of the target."""

    # Learning

    def update(self, batch: Batch, step: int) -> Metrics:
        """See :meth:`Agent.update`."""
        tensors = self.to_device(batch).tensors()
        for name, drawn in self._draw(batch.size).items():
            tensors[name] = to_device(drawn, self.device)
        self._step.fill_(step)
        metrics = (self._graph or self._learn)(tensors, self._measures())
        self.updates += 1
        return metrics

    def _learn(self, tensors: dict[str, Tensor], measure: bool) -> Metrics:
        """Take the steps of an update in DrQ-v2's order, all on the device.

        Args:
            tensors: tensors of the batch and of what was sampled for it, by name.
            measure: whether the dormant ratio is measured.
        """
        batch = Batch(**{name: t for name, t in tensors.items() if "/" not in name})
        draws: Draws = {name: t for name, t in tensors.items() if "/" in name}
        metrics: Metrics = {}
        with torch.no_grad():
            h_next = self._encode("next_obs", batch.next_obs, draws)
        h = self._encode("obs", batch.obs, draws)
        if measure:
            self._measure(batch, h.detach())
        stddev = self._stddev(self._step)
        self._critic_step(batch, draws, stddev, h, h_next, metrics)
        self._actor_step(batch, draws, stddev, h.detach(), metrics)
        soft_update(self.critic_target, self.critic, self.settings.soft_update_rate)
        self._auxiliary_step(batch, draws, metrics)
        self._average()
        return metrics

    def _encode(self, name: str, pixels: Tensor, draws: Draws) -> Tensor:
        """Augment and encode, while learning.

        Args:
            name: name of the draws to augment with.
            pixels: ``(B, C, H, W) uint8``.
            draws: draws of the update.

        Returns:
            ``(B, out_features)``.
        """
        h: Tensor = self.encoder(shift(pixels, draws[f"{name}/shift"], self.dtype, PIXEL_CENTRE))
        return h

    def _critic_step(
        self,
        batch: Batch,
        draws: Draws,
        stddev: Tensor,
        h: Tensor,
        h_next: Tensor,
        metrics: Metrics,
    ) -> None:
        """Step of critic and encoder on the squared TD error of both Q, plus extra losses."""
        with torch.no_grad():
            mean, _ = self.actor(h_next, batch.next_state)
            action = self._noisy(mean, stddev, draws["next_action/noise"])
            z, further = self._critic_features(self.critic_target, h_next, batch.next_state)
            q_next = self.critic_target.heads(z, self._critic_action(action))
            value = self._next_value(further, q_next.amin(0))
            target = batch.reward + batch.discount * value
        z, further = self._critic_features(self.critic, h, batch.state)
        q = self.critic.heads(z, self._critic_action(batch.action))
        loss = (q - target).square().mean(1).sum()
        metrics["critic/loss"] = loss.detach()
        metrics["critic/q"] = q.detach().mean()
        metrics["critic/target"] = target.mean()
        metrics["batch/reward"] = batch.reward.mean()
        extra = self._extra_critic_loss(further, q.detach().amin(0), metrics)
        loss = loss if extra is None else loss + extra
        metrics["critic/gradient_norm"] = self._step_on("critic", loss)

    def _actor_step(
        self, batch: Batch, draws: Draws, stddev: Tensor, h: Tensor, metrics: Metrics
    ) -> None:
        """Step of the actor on -min Q of its noisy action, plus extra losses."""
        with torch.no_grad():
            z = self.critic.trunk(h, batch.state)
        raw, routing = self.actor.before_tanh(h, batch.state)
        mean = torch.tanh(raw)
        action = self._noisy(mean, stddev, draws["action/noise"])
        loss = -self.critic.heads(z, self._critic_action(action)).amin(0).mean()
        metrics["actor/loss"] = loss.detach()
        metrics["actor/saturation"] = (mean.detach().abs() > SATURATED).to(mean.dtype).mean()
        if self.settings.saturation_weight:
            loss = loss + self.settings.saturation_weight * saturation_loss(raw)
        extra = self._extra_actor_loss(routing, metrics)
        loss = loss if extra is None else loss + extra
        metrics["actor/gradient_norm"] = self._step_on("actor", loss)

    def _noisy(self, mean: Tensor, stddev: Tensor, normal: Tensor) -> Tensor:
        return noisy_action(mean, stddev, normal, self.settings.stddev_clip)

    def _step_on(self, which: str, loss: Tensor) -> Tensor:
        """Step of an optimizer's parameters on a loss; returns the norm of its gradient, 0-d."""
        gradients = self._gradients(which, loss)
        return self.optimizers[which].step(gradients, self.settings.check_gradients)

    def _gradients(self, which: str, loss: Tensor) -> dict[str, Tensor]:
        """Return the gradient of a loss for each parameter of an optimizer, by name."""
        parameters = self.optimizers[which].parameters
        gradients = torch.autograd.grad(loss, list(parameters.values()))
        return dict(zip(parameters, gradients, strict=True))
