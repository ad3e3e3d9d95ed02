"""What every agent that learns from pixels has: networks, randomness, acting and an exact state."""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor, nn

from mentor_policy.agents.base import ActionArray, Agent, Pixels, Vector
from mentor_policy.agents.exploration import CorrelatedNoise, inside
from mentor_policy.agents.losses import soft_update
from mentor_policy.agents.optimizer import NamedAdam
from mentor_policy.agents.shape import Shape
from mentor_policy.agents.snapshot import (
    check_tensors,
    copy_tensors,
    module_tensors,
    set_generator,
    typed_value,
)
from mentor_policy.config import Config, DrQv2Config
from mentor_policy.device.precision import compute_dtype, weight_dtype
from mentor_policy.networks import (
    PIXEL_CENTRE,
    Actor,
    TwinCritic,
    initialise,
)

ACTING = ("encoder", "actor")
"""The networks that choose an action."""

UPDATE_ORDER = 2
"""Order in which an update's steps are taken; a state of another order is of another run."""


class PixelAgent(Agent):
    """Encoder, actor, twin critic and its target on one device.

    Weights and random numbers are generated on the processor: a seed gives the same on every
    device, and a state moves between devices as it is.

    Args:
        config: the run; ``config.agent`` is of the agent's own settings class.
        shape: sizes of observations and actions.
        seed: seed of all weights and noise.
        device: where the networks lie.
    """

    def __init__(
        self,
        config: Config,
        shape: Shape,
        seed: int,
        device: torch.device | None = None,
    ) -> None:
        super().__init__(shape.action_size, device)
        assert isinstance(config.agent, DrQv2Config)
        self.settings: DrQv2Config = config.agent
        self.config = config
        self.frame_layout = shape.layout
        self.state_size = shape.state_size
        self.dtype = compute_dtype(self.settings.precision, self.device)
        self.updates = 0
        # Acting may happen in another thread than updating, and an evaluation must not change a
        # training: each has a generator of its own.
        purposes = ["weights", "acting", "updating", "perturbing"]
        purposes += ["evaluating"] if self.settings.evaluation_stddev else []
        self.generators = {
            name: Generator().manual_seed(seed * 1_000_003 + number)
            for number, name in enumerate(purposes)
        }
        self._noise = CorrelatedNoise(shape.action_size, self.settings.noise_correlation)
        self.networks = self._build()
        for name, network in self.networks.items():
            if name != "critic_target":
                initialise(network, self.generators["weights"])
        self.networks["critic_target"].load_state_dict(self.networks["critic"].state_dict())
        self.networks["critic_target"].requires_grad_(False)
        if self.settings.average_rate:
            self.networks |= {
                average_of(name): copy.deepcopy(self.networks[name]).requires_grad_(False)
                for name in ACTING
            }
        for network in self.networks.values():
            network.to(self.device, weight_dtype(self.dtype))
        self.optimizers = self._make_optimizers()

    @abstractmethod
    def _build(self) -> dict[str, nn.Module]:
        """Make the networks by name, not yet initialised."""

    @abstractmethod
    def _make_optimizers(self) -> dict[str, NamedAdam]:
        """Make the optimizers by name."""

    @abstractmethod
    def _stddev(self, step: Tensor) -> Tensor:
        """Return the standard deviation of exploration noise at agent step ``step``, both 0-d."""

    # Acting

    def act_with_mean(
        self, obs: Pixels, state: Vector | None = None, *, step: int, evaluate: bool
    ) -> tuple[ActionArray, ActionArray]:
        """See :meth:`Agent.act_with_mean`. Computed in the type of the weights."""
        self._check_observation(obs, state)
        generator = self.generators["acting"]
        dtype = weight_dtype(self.dtype)
        with torch.no_grad():
            pixels = torch.as_tensor(obs).unsqueeze(0).to(self.device, dtype).sub_(PIXEL_CENTRE)
            pixels = pixels.contiguous(memory_format=torch.channels_last)
            vector = None
            if state is not None:
                vector = torch.as_tensor(state).unsqueeze(0).to(self.device, dtype)
            encoder, actor = (self._acting_network(name, evaluate) for name in ACTING)
            means, routing = actor(encoder(pixels), vector)
            mean = means[0].cpu().float()
            self.expert_usage = None
            if routing is not None:
                self.expert_usage = routing.usage().cpu().float().numpy()
            if evaluate:
                action = self._evaluated(mean)
            elif step < self.settings.explore_steps:
                action = torch.rand(self.action_size, generator=generator) * 2.0 - 1.0
            else:
                stddev = float(self._stddev(self._scalar(step)))
                action = inside(mean + stddev * self._noise.next(generator))
        return np.asarray(action.numpy(), np.float32), np.asarray(mean.numpy(), np.float32)

    def _evaluated(self, mean: Tensor) -> Tensor:
        """Return the action of an evaluation, ``(A,)``: the mean, with noise if it is set."""
        stddev = self.settings.evaluation_stddev
        if not stddev:
            return mean
        noise = torch.randn(self.action_size, generator=self.generators["evaluating"])
        return inside(mean + stddev * noise)

    def _acting_network(self, name: str, evaluate: bool) -> nn.Module:
        """Return a network of :data:`ACTING`; an evaluation acts with its average if it has one."""
        return self.networks.get(average_of(name) if evaluate else name, self.networks[name])

    def _average(self) -> None:
        """Move the averages towards the networks that an update has changed."""
        if rate := self.settings.average_rate:
            for name in ACTING:
                soft_update(self.networks[average_of(name)], self.networks[name], rate)

    def _scalar(self, value: float) -> Tensor:
        """Return a number as a 0-d float64 tensor on the device."""
        return torch.full((), float(value), dtype=torch.float64, device=self.device)

    def _check_observation(self, obs: Pixels, state: Vector | None) -> None:
        shape = self.frame_layout.shape
        if tuple(obs.shape) != shape or obs.dtype not in (np.uint8, torch.uint8):
            raise ValueError(
                f"observation is {obs.dtype} {tuple(obs.shape)}, this agent reads uint8 {shape}"
            )
        given = 0 if state is None else state.shape[-1]
        if given != self.state_size:
            raise ValueError(f"state has {given} numbers, this agent reads {self.state_size}")

    # Networks by name

    @property
    def encoder(self) -> nn.Module:
        """The encoder."""
        return self.networks["encoder"]

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

    def _trained(self, *networks: str) -> dict[str, nn.Parameter]:
        """Return trainable parameters of networks as ``<network>/<parameter>``."""
        return {
            f"{network}/{name}": parameter
            for network in networks
            for name, parameter in self.networks[network].named_parameters()
            if parameter.requires_grad
        }

    # State

    def end_episode(self, episode_return: float, step: int) -> dict[str, float]:
        """See :meth:`Agent.end_episode`.

        Raises:
            NonFiniteGradientError: a gradient of the episode was; see :class:`NamedAdam`.
        """
        self._refuse_bad_gradients()
        return {}

    def _refuse_bad_gradients(self) -> None:
        for optimizer in self.optimizers.values():
            optimizer.refuse_bad()

    def _live_tensors(self) -> dict[str, Tensor]:
        """Return the tensors that learning changes in place."""
        tensors = module_tensors(self.networks)
        for which, optimizer in self.optimizers.items():
            for name, tensor in optimizer.state().items():
                tensors[f"adam/{which}/{name}"] = tensor
        tensors["acting_noise"] = self._noise.value
        return tensors

    def _own_tensors(self) -> dict[str, Tensor]:
        """Return live tensors and the generators' states: what every state of this agent holds."""
        tensors = self._live_tensors()
        for name, generator in self.generators.items():
            tensors[f"generator/{name}"] = generator.get_state()
        return tensors

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """See :meth:`Agent.state`.

        Raises:
            NonFiniteGradientError: a gradient was; see :class:`NamedAdam`.
        """
        self._refuse_bad_gradients()
        values = {
            "agent": self.settings.name,
            "update_order": UPDATE_ORDER,
            "updates": self.updates,
        }
        return self._own_tensors(), values

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """See :meth:`Agent.load_state`."""
        what = f"state of {self.settings.name}"
        agent = typed_value(values, "agent", (str,), what)
        if agent != self.settings.name:
            raise ValueError(f"{what}: it is of {agent}, another agent")
        if values.get("update_order", 1) != UPDATE_ORDER:
            raise ValueError(
                f"{what}: update_order is {values.get('update_order', 1)!r}, this version computes "
                f"order {UPDATE_ORDER}, in which the actor reads the critic as it is after its "
                "step; going on would be another run. Train anew, or use the version that wrote it"
            )
        updates = typed_value(values, "updates", (int,), what)
        own = self._own_tensors()
        check_tensors(own, tensors, what)
        for name in self.generators:  # tried on a throw-away generator first
            set_generator(Generator(), tensors[f"generator/{name}"], f"generator/{name}")
        copy_tensors(self._live_tensors(), tensors)
        for name, generator in self.generators.items():
            set_generator(generator, tensors[f"generator/{name}"], f"generator/{name}")
        self.updates = updates

    def acting_state(self) -> dict[str, Tensor]:
        """See :meth:`Agent.acting_state`."""
        averages = [average_of(name) for name in ACTING if self.settings.average_rate]
        return module_tensors({name: self.networks[name] for name in (*ACTING, *averages)})

    def load_acting_state(self, tensors: dict[str, Tensor]) -> None:
        """See :meth:`Agent.load_acting_state`."""
        own = self.acting_state()
        check_tensors(own, tensors, f"weights of {self.settings.name}")
        copy_tensors(own, tensors)


def average_of(network: str) -> str:
    """Return the name of the moving average of a network."""
    return f"{network}_average"
