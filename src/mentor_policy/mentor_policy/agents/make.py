"""From a configuration to an agent."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable

import torch

from mentor_policy.agents.base import Agent
from mentor_policy.agents.shape import Shape
from mentor_policy.config import Config, ConfigError, DrQv2Config, check
from mentor_policy.config.agent_plugins import agent_plugin
from mentor_policy.device.cpu.malloc import keep_freed_memory
from mentor_policy.device.resolve import resolve_device


def make_agent(
    config: Config,
    shape: Shape,
    seed: int,
    device: torch.device | None = None,
) -> Agent:
    """Make the agent that ``config.agent`` describes.

    Args:
        config: the run; ``train.action_repeat`` turns frames into agent steps.
        shape: sizes of observations and actions.
        seed: seed of all its weights and noise; the same seed gives the same bits.
        device: where it learns; None for the one that ``config.train.device`` names.

    Raises:
        ConfigError: an impossible value, a device that is unavailable, or an agent that is not
            known or whose plug-in cannot be used.
        ValueError: observations too small for the encoder.
    """
    check(config)
    device = device or resolve_device(config.train.device)
    kind = _agent_class(config.agent.name)
    if isinstance(config.agent, DrQv2Config):
        if config.agent.cuda_graph and device.type != "cuda":
            raise ConfigError(
                f"agent.cuda_graph is true, but the device is {device}; it needs train.device=cuda"
            )
        if config.agent.keep_freed_memory and device.type == "cpu":
            keep_freed_memory()
    return kind(config, shape, seed, device)


def _agent_class(name: str) -> Callable[[Config, Shape, int, torch.device], Agent]:
    """Import the class of an agent.

    Raises:
        ConfigError: there is no such agent, or its plug-in names no class that is one.
    """
    named = agent_plugin(name).agent
    try:
        found = pkgutil.resolve_name(named)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"agent {name!r}: {named} cannot be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Agent)):
        raise ConfigError(f"agent {name!r}: {named} is not derived from mentor_policy.agents.Agent")
    return found
