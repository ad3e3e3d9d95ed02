"""From a configuration to an agent."""

from __future__ import annotations

from mentor_common.messages.frames import FrameLayout
from mentor_policy.agents.alix import AlixAgent
from mentor_policy.agents.base import Agent
from mentor_policy.agents.drm import DrMAgent
from mentor_policy.agents.drqv2 import DrQv2Agent
from mentor_policy.agents.mentor import MentorAgent
from mentor_policy.agents.random_agent import RandomAgent
from mentor_policy.agents.taco import TacoAgent
from mentor_policy.config import Config, DrQv2Config, check
from mentor_policy.device.malloc import keep_freed_memory

_AGENTS: dict[str, type[DrQv2Agent]] = {
    "drqv2": DrQv2Agent,
    "drm": DrMAgent,
    "mentor": MentorAgent,
    "alix": AlixAgent,
    "taco": TacoAgent,
}


def make_agent(
    config: Config, frame_layout: FrameLayout, state_size: int, action_size: int, seed: int
) -> Agent:
    """Make the agent that ``config.agent`` describes.

    Args:
        config: the run; ``train.action_repeat`` turns frames into agent steps.
        frame_layout: pixels of an observation.
        state_size: S, length of the state vector, 0 without one.
        action_size: A.
        seed: of all its weights and noise; the same seed gives the same bits.

    Raises:
        ConfigError: an impossible value.
        ValueError: observations too small for the encoder.
    """
    check(config)
    if config.agent.name == "random":
        return RandomAgent(action_size, seed)
    assert isinstance(config.agent, DrQv2Config)
    if config.agent.keep_freed_memory:
        keep_freed_memory()
    kind = _AGENTS[config.agent.name]
    return kind(config, frame_layout, state_size, action_size, seed)
