"""From a configuration to an agent."""

from __future__ import annotations

import torch

from mentor_policy.agents.alix import AlixAgent
from mentor_policy.agents.base import Agent
from mentor_policy.agents.drm import DrMAgent
from mentor_policy.agents.drqv2 import DrQv2Agent
from mentor_policy.agents.mentor import MentorAgent
from mentor_policy.agents.random_agent import RandomAgent
from mentor_policy.agents.shape import Shape
from mentor_policy.agents.taco import TacoAgent
from mentor_policy.config import Config, ConfigError, DrQv2Config, check
from mentor_policy.device.cpu.malloc import keep_freed_memory
from mentor_policy.device.resolve import resolve_device

_AGENTS: dict[str, type[DrQv2Agent]] = {
    "drqv2": DrQv2Agent,
    "drm": DrMAgent,
    "mentor": MentorAgent,
    "alix": AlixAgent,
    "taco": TacoAgent,
}


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
        ConfigError: an impossible value, or a device that is not there.
        ValueError: observations too small for the encoder.
    """
    check(config)
    device = device or resolve_device(config.train.device)
    if config.agent.name == "random":
        return RandomAgent(shape.action_size, seed)
    assert isinstance(config.agent, DrQv2Config)
    if config.agent.cuda_graph and device.type != "cuda":
        raise ConfigError(
            f"agent.cuda_graph is true, but the device is {device}; it needs train.device=cuda"
        )
    if config.agent.keep_freed_memory and device.type == "cpu":
        keep_freed_memory()
    kind = _AGENTS[config.agent.name]
    return kind(config, shape, seed, device)
