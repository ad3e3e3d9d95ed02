"""Overrides of the command line: ``env.*`` for the environment, the rest for the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mentor_policy.config import Config, ConfigError, load_config
from mentor_policy.config.load import override_value
from mentor_policy.config.preset_for import preset_for
from mentor_policy.training.environment import Env, make_environment


def environment_arguments(overrides: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Take ``env.name=value`` out of the overrides.

    Returns:
        Arguments of the environment, and the other overrides.

    Raises:
        ConfigError: one is not of the form ``key=value``, or cannot be read.
    """
    arguments: dict[str, Any] = {}
    others: list[str] = []
    for override in overrides:
        key, value = override_value(override)
        if key.startswith("env."):
            arguments[key[4:]] = value
        else:
            others.append(override)
    return arguments, others


def configure(
    environment: str, agent: str, preset: str | None, overrides: Sequence[str]
) -> tuple[Config, Env, dict[str, Any]]:
    """Return configuration and environment of a run.

    The environment's own action repeat is taken over into the configuration.

    Raises:
        ConfigError, UnfitEnvironmentError: names what is wrong and what is allowed.
    """
    arguments, others = environment_arguments(overrides)
    config = load_config(agent, preset or preset_for(environment), others)
    env = make_environment(environment, arguments)
    repeat = int(getattr(env.unwrapped, "action_repeat", 1))
    chosen = any(other.startswith("train.action_repeat=") for other in others)
    if chosen and config.train.action_repeat != repeat:
        raise ConfigError(
            f"train.action_repeat is {config.train.action_repeat}, but {environment} repeats "
            f"{repeat} times; give env.action_repeat={config.train.action_repeat} instead"
        )
    config.train.action_repeat = repeat
    return config, env, arguments
