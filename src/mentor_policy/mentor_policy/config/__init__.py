"""Configuration: structured settings, presets for the columns of Table 2, variants of agents."""

from .agent import (
    AGENT_CONFIGS,
    AgentConfig,
    AlixConfig,
    DrMConfig,
    DrQv2Config,
    MentorConfig,
    PretrainedConfig,
    RandomConfig,
    TacoConfig,
)
from .check import ConfigError, check
from .load import agents, config_from_dict, config_to_dict, load_config, presets
from .train import Config, TrainConfig

__all__ = [
    "AGENT_CONFIGS",
    "AgentConfig",
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
