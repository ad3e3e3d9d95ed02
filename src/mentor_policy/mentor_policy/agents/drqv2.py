"""DrQ-v2 (arXiv 2107.09645): the base that DrM, MENTOR, ALIX and TACO override."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor, nn

from mentor_common.messages.frames import FrameLayout
from mentor_policy.agents.base import ActionArray, Agent, Pixels, Vector
from mentor_policy.agents.batch import Batch
from mentor_policy.agents.exploration import (
    CorrelatedNoise,
    inside,
    linear_schedule,
    truncated_normal,
)
from mentor_policy.agents.optimizer import NamedAdam
from mentor_policy.agents.snapshot import (
    check_tensors,
    copy_tensors,
    module_tensors,
    set_generator,
    typed_value,
)
from mentor_policy.config import Config, DrQv2Config
from mentor_policy.device.precision import compute_dtype
from mentor_policy.networks import (
    PIXEL_CENTRE,
    Actor,
    Encoder,
    PretrainedEncoder,
    Routing,
    TwinCritic,
    initialise,
)
from mentor_policy.networks.random_shift import random_shift

Metrics = dict[str, Tensor]
ALMOST_SATURATED = 2.0
"""Size of what a tanh is taken of from which on its gradient is below 0.07."""
SATURATED = 0.999
"""Size of a mean action that counts as saturated in the statistics."""


class DrQv2Agent(Agent):
    """Deterministic actor, twin critic, random shift, n-step returns.

    All gradients of an update are taken at the same weights and checked before any weight moves;
    the actor's loss reads the critic features that the critic's loss has computed.

    Args:
        config: the run; ``config.agent`` is of the agent's own settings class.
        frame_layout: pixels of an observation.
        state_size: S, 0 without a state vector.
        action_size: A.
        seed: of all weights and noise.
    """

    def __init__(
        self,
        config: Config,
        frame_layout: FrameLayout,
        state_size: int,
        action_size: int,
        seed: int,
    ) -> None:
        super().__init__(action_size)
        assert isinstance(config.agent, DrQv2Config)
        self.settings: DrQv2Config = config.agent
        self.config = config
        self.frame_layout = frame_layout
        self.state_size = state_size
        self.dtype = compute_dtype(self.settings.precision)
        self.updates = 0
        # Acting may happen in another thread than updating: each has a generator of its own.
        self.generators = {
            name: Generator().manual_seed(seed * 1_000_003 + number)
            for number, name in enumerate(("weights", "acting", "updating", "perturbing"))
        }
        self._noise = CorrelatedNoise(action_size, self.settings.noise_correlation)
        self.networks = self._build()
        for name, network in self.networks.items():
            if name != "critic_target":
                initialise(network, self.generators["weights"])
        self.networks["critic_target"].load_state_dict(self.networks["critic"].state_dict())
        self.networks["critic_target"].requires_grad_(False)
        self.optimizer = self._optimizer()

    # What the agents differ in

    def _build(self) -> dict[str, nn.Module]:
        """The networks by name, not yet initialised."""
        settings = self.settings
        encoder = self._build_encoder()
        sizes = (encoder.out_features, settings.feature_dim, settings.hidden_dim)
        critic, target = (
            TwinCritic(*sizes, self._critic_action_size(), self.state_size) for _ in range(2)
        )
        actor = Actor(*sizes, self.action_size, self.state_size, self._experts())
        return {"encoder": encoder, "actor": actor, "critic": critic, "critic_target": target}

    def _build_encoder(self) -> Encoder | PretrainedEncoder:
        settings = self.settings.pretrained
        if self.settings.encoder == "conv":
            return Encoder(self.frame_layout.shape)
        return PretrainedEncoder(
            self.frame_layout,
            tuple(settings.stages),
            settings.input_size,
            settings.adapter_channels,
        )

    def _experts(self) -> tuple[int, int, int] | None:
        """``(N, k, hidden width)`` of the actor's mixture of experts, None for an MLP."""
        return None

    def _critic_action_size(self) -> int:
        return self.action_size

    def _stddev(self, step: int) -> float:
        s = self.settings
        return linear_schedule(s.stddev_start, s.stddev_end, s.stddev_steps, step)

    def _next_value(self, batch: Batch, h_next: Tensor, q_next: Tensor) -> Tensor:
        """``(B, 1)`` value of the next observation, from the smaller target Q ``(B, 1)``."""
        return q_next

    def _extra_losses(
        self, batch: Batch, h: Tensor, h_next: Tensor, q: Tensor, metrics: Metrics
    ) -> Tensor | None:
        """A further loss beside the critic's, None without one. ``q``: ``(B, 1)``, smaller Q."""
        return None

    def _actor_extra(self, routing: Routing | None, metrics: Metrics) -> Tensor | None:
        """A further loss of the actor, None without one."""
        return None

    def _before_update(self, batch: Batch, h: Tensor, step: int) -> None:
        """Called with the encoded batch, before losses are computed."""

    # Acting

    def act_with_mean(
        self, obs: Pixels, state: Vector | None = None, *, step: int, evaluate: bool
    ) -> tuple[ActionArray, ActionArray]:
        """See :meth:`Agent.act_with_mean`. Always computed in float32."""
        generator = self.generators["acting"]
        self._check_observation(obs, state)
        with torch.no_grad():
            pixels = torch.as_tensor(obs).unsqueeze(0).to(torch.float32).sub_(PIXEL_CENTRE)
            pixels = pixels.contiguous(memory_format=torch.channels_last)
            vector = None if state is None else torch.as_tensor(state).float().unsqueeze(0)
            mean = self.actor(self.encoder(pixels), vector)[0][0]
            if evaluate:
                action = mean
            elif step < self.settings.explore_steps:
                action = torch.rand(self.action_size, generator=generator) * 2.0 - 1.0
            else:
                action = inside(mean + self._stddev(step) * self._noise.next(generator))
        return np.asarray(action.numpy(), np.float32), np.asarray(mean.numpy(), np.float32)

    def _check_observation(self, obs: Pixels, state: Vector | None) -> None:
        shape = self.frame_layout.shape
        if tuple(obs.shape) != shape or obs.dtype not in (np.uint8, torch.uint8):
            raise ValueError(
                f"observation is {obs.dtype} {tuple(obs.shape)}, this agent reads uint8 {shape}"
            )
        given = 0 if state is None else state.shape[-1]
        if given != self.state_size:
            raise ValueError(f"state has {given} numbers, this agent reads {self.state_size}")

    # Learning

    def update(self, batch: Batch, step: int) -> Metrics:
        """See :meth:`Agent.update`."""
        metrics: Metrics = {}
        with torch.no_grad():
            h_next = self._encode(self._augmented(batch.next_obs))
        h = self._encode(self._augmented(batch.obs))
        self._before_update(batch, h.detach(), step)
        critic_loss, z = self._critic_loss(batch, h, h_next, step, metrics)
        actor_loss = self._actor_loss(batch, h.detach(), z.detach(), step, metrics)
        gradients = self._gradients(critic_loss, actor_loss)
        metrics["gradient_norm"] = self.optimizer.step(gradients, self.settings.check_gradients)
        soft_update(self.critic_target, self.critic, self.settings.soft_update_rate)
        self.updates += 1
        return metrics

    def _encode(self, pixels: Tensor) -> Tensor:
        """``(B, out_features)`` of augmented pixels, while learning."""
        h: Tensor = self.encoder(pixels)
        return h

    def _augmented(self, obs: Tensor) -> Tensor:
        padding = self.settings.shift_padding
        generator = self.generators["updating"]
        return random_shift(obs, padding, generator, self.dtype, PIXEL_CENTRE)

    def _critic_loss(
        self, batch: Batch, h: Tensor, h_next: Tensor, step: int, metrics: Metrics
    ) -> tuple[Tensor, Tensor]:
        """Squared TD error of both Q plus extra losses, and the critic's features ``(B, F)``."""
        with torch.no_grad():
            mean, _ = self.actor(h_next, batch.next_state)
            action = self._noisy(mean, step)
            q_next = self._q(
                self.critic_target, self.critic_target.trunk(h_next, batch.next_state), action
            )
            value = self._next_value(batch, h_next, q_next.amin(0))
            target = batch.reward + batch.discount * value
        z = self.critic.trunk(h, batch.state)
        q = self._q(self.critic, z, batch.action)
        loss = (q - target).square().mean(1).sum()
        metrics["critic/loss"] = loss.detach()
        metrics["critic/q"] = q.detach().mean()
        metrics["critic/target"] = target.mean()
        metrics["batch/reward"] = batch.reward.mean()
        extra = self._extra_losses(batch, h, h_next, q.detach().amin(0), metrics)
        return loss if extra is None else loss + extra, z

    def _q(self, critic: TwinCritic, z: Tensor, action: Tensor) -> Tensor:
        """Both Q, ``(2, B, 1)``, of critic features and actions."""
        return critic.heads(z, action)

    def _actor_loss(
        self, batch: Batch, h: Tensor, z: Tensor, step: int, metrics: Metrics
    ) -> Tensor:
        """-min Q of the actor's noisy action, plus extra losses, 0-d."""
        raw, routing = self.actor.before_tanh(h, batch.state)
        mean = torch.tanh(raw)
        loss = -self._q(self.critic, z, self._noisy(mean, step)).amin(0).mean()
        metrics["actor/loss"] = loss.detach()
        metrics["actor/saturation"] = (mean.detach().abs() > SATURATED).to(mean.dtype).mean()
        if self.settings.saturation_weight:
            loss = loss + self.settings.saturation_weight * saturation_loss(raw)
        extra = self._actor_extra(routing, metrics)
        return loss if extra is None else loss + extra

    def _noisy(self, mean: Tensor, step: int) -> Tensor:
        clip = self.settings.stddev_clip
        return truncated_normal(mean, self._stddev(step), self.generators["updating"], clip)

    def _gradients(self, critic_loss: Tensor, actor_loss: Tensor) -> dict[str, Tensor]:
        named = self.optimizer.parameters
        actor = {name: p for name, p in named.items() if name.startswith("actor/")}
        others = {name: p for name, p in named.items() if not name.startswith("actor/")}
        result = dict(
            zip(actor, torch.autograd.grad(actor_loss, list(actor.values())), strict=True)
        )
        result.update(
            zip(others, torch.autograd.grad(critic_loss, list(others.values())), strict=True)
        )
        return result

    def _optimizer(self) -> NamedAdam:
        rate = self.settings.learning_rate
        actor: dict[str, nn.Parameter] = {}
        others: dict[str, nn.Parameter] = {}
        for network, module in self.networks.items():
            for name, parameter in module.named_parameters():
                if parameter.requires_grad:
                    group = actor if network == "actor" else others
                    group[f"{network}/{name}"] = parameter
        ratio = self.settings.actor_learning_rate_ratio
        return NamedAdam([(rate, others), (rate * ratio, actor)])

    # Networks by name

    @property
    def encoder(self) -> Encoder | PretrainedEncoder:
        """The encoder."""
        return self.networks["encoder"]  # type: ignore[return-value]

    @property
    def actor(self) -> Actor:
        """The policy."""
        return self.networks["actor"]  # type: ignore[return-value]

    @property
    def critic(self) -> TwinCritic:
        """The twin critic."""
        return self.networks["critic"]  # type: ignore[return-value]

    @property
    def critic_target(self) -> TwinCritic:
        """Its moving average."""
        return self.networks["critic_target"]  # type: ignore[return-value]

    # State

    def _live_tensors(self) -> dict[str, Tensor]:
        tensors = module_tensors(self.networks)
        tensors.update({f"adam/{name}": tensor for name, tensor in self.optimizer.state().items()})
        tensors["acting_noise"] = self._noise.value
        return tensors

    def _own_tensors(self) -> dict[str, Tensor]:
        """Live tensors and the generators' states: what every state of this agent must hold."""
        tensors = self._live_tensors()
        for name, generator in self.generators.items():
            tensors[f"generator/{name}"] = generator.get_state()
        return tensors

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """See :meth:`Agent.state`."""
        return self._own_tensors(), {"agent": self.settings.name, "updates": self.updates}

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """See :meth:`Agent.load_state`."""
        own = self._own_tensors()
        what = f"state of {self.settings.name}"
        check_tensors(own, tensors, what)
        agent = typed_value(values, "agent", (str,), what)
        if agent != self.settings.name:
            raise ValueError(f"{what}: it is of {agent}, another agent")
        updates = typed_value(values, "updates", (int,), what)
        for name in self.generators:  # a throw-away generator says whether the state is one
            set_generator(Generator(), tensors[f"generator/{name}"], f"generator/{name}")
        copy_tensors(self._live_tensors(), tensors)
        for name, generator in self.generators.items():
            set_generator(generator, tensors[f"generator/{name}"], f"generator/{name}")
        self.updates = updates

    def acting_state(self) -> dict[str, Tensor]:
        """See :meth:`Agent.acting_state`."""
        return module_tensors({name: self.networks[name] for name in ("encoder", "actor")})

    def load_acting_state(self, tensors: dict[str, Tensor]) -> None:
        """See :meth:`Agent.load_acting_state`."""
        own = self.acting_state()
        check_tensors(own, tensors, f"weights of {self.settings.name}")
        copy_tensors(own, tensors)


def saturation_loss(raw: Tensor) -> Tensor:
    """Mean of max(0, |raw| - 2)^2 of what the tanh is taken of, 0-d.

    Zero for actions up to 0.96. Beyond, a tanh passes hardly any gradient on: an actor that runs
    off there while the critic still knows little never comes back.
    """
    return (raw.abs() - ALMOST_SATURATED).clamp(min=0.0).square().mean()


def soft_update(target: nn.Module, source: nn.Module, rate: float) -> None:
    """target <- (1 - rate) target + rate source, every parameter."""
    with torch.no_grad():
        torch._foreach_lerp_(list(target.parameters()), list(source.parameters()), rate)
