"""Configuration: structured settings, presets for the columns of Table 2, variants of agents."""

from mentor_policy.config.agent import (
    AgentConfig,
    AlixConfig,
    DrMConfig,
    DrQv2Config,
    MentorConfig,
    PretrainedConfig,
    RandomConfig,
    TacoConfig,
)
from mentor_policy.config.agent_plugins import AgentPlugin, agents
from mentor_policy.config.check import ConfigError, check
from mentor_policy.config.load import config_from_dict, config_to_dict, load_config, presets
from mentor_policy.config.train import Config, TrainConfig

__all__ = [
    "AgentConfig",
    "AgentPlugin",
    "AlixConfig",
    "Config",
    "ConfigError",
    "DrMConfig",
    "DrQv2Config",
    "MentorConfig",
    "PretrainedConfig",
    "RandomConfig",
    "TacoConfig",
    "TrainConfig",
    "agents",
    "check",
    "config_from_dict",
    "config_to_dict",
    "load_config",
    "presets",
]
