"""Values that types cannot refuse: ranges, and settings that contradict each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mentor_policy.config.agent import (
    AGENT_CONFIGS,
    AlixConfig,
    DrMConfig,
    DrQv2Config,
    MentorConfig,
    TacoConfig,
)
from mentor_policy.config.train import Config, TrainConfig

DEVICE_NAME = r"auto|cpu|cuda(:\d{1,3})?"
"""What ``train.device`` may be; whether it is there is seen when it is used."""


class ConfigError(ValueError):
    """A configuration that cannot be; the message names key, value and what is allowed."""


def check(config: Config) -> None:
    """Refuse impossible values.

    Raises:
        ConfigError: names the key, its value and what is allowed.
    """
    _check_train(config.train)
    agent = config.agent
    _one_of(agent, "name", list(AGENT_CONFIGS))
    if isinstance(agent, DrQv2Config):
        _check_drqv2(agent)
    if isinstance(agent, DrMConfig):
        _check_drm(agent)
    if isinstance(agent, MentorConfig):
        _check_mentor(agent)
    if isinstance(agent, AlixConfig):
        _one_of(agent, "encoder", ["conv"])
        _between(agent, "mix_start", 0.0, 1.0)
        _between(agent, "mix_target", 0.0, 10.0)
        _between(agent, "mix_learning_rate", 0.0, 1.0)
    if isinstance(agent, TacoConfig):
        _at_least(agent, "action_dim", 0)


def _check_train(train: TrainConfig) -> None:
    for key in ("frames", "action_repeat", "update_every", "batch_size", "n_step", "eval_episodes"):
        _at_least(train, key, 1, "train")
    for key in ("seed", "seed_frames", "threads", "eval_every_frames", "updates_behind"):
        _at_least(train, key, 0, "train")
    for key in ("checkpoint_every_frames", "keep_checkpoints", "log_every_frames"):
        _at_least(train, key, 1, "train")
    if not re.fullmatch(DEVICE_NAME, train.device):
        raise ConfigError(
            f"train.device is {train.device!r}; allowed are auto, cpu, cuda, cuda:0, cuda:1, ..."
        )
    _at_least(train, "updates_per_step", 0.0, "train")
    _between(train, "discount", 0.0, 1.0, section="train")
    _between(train, "reward_scale", 1e-6, 1e6, section="train")
    _at_least(train, "replay_capacity", train.batch_size, "train", "train.batch_size")


def _check_drqv2(agent: DrQv2Config) -> None:
    _one_of(agent, "encoder", ["conv", "pretrained"])
    _one_of(agent, "precision", ["auto", "float32", "bfloat16", "float64"])
    for key in ("feature_dim", "hidden_dim"):
        _at_least(agent, key, 1)
    for key in ("shift_padding", "explore_steps"):
        _at_least(agent, key, 0)
    _at_least(agent, "stddev_steps", 1)
    for key in (
        "learning_rate", "actor_learning_rate_ratio", "stddev_clip", "saturation_weight"
    ):  # fmt: skip
        _at_least(agent, key, 0.0)
    _between(agent, "soft_update_rate", 0.0, 1.0)
    _between(agent, "noise_correlation", 0.0, 0.999)
    _between(agent, "stddev_start", 0.0, 10.0)
    _between(agent, "stddev_end", 0.0, agent.stddev_start, "agent.stddev_start")
    pretrained = agent.pretrained
    _between(pretrained, "input_size", 32, 512, section="agent.pretrained")
    _at_least(pretrained, "adapter_channels", 1, "agent.pretrained")
    stages = list(pretrained.stages)
    if len(stages) != 2 or not 1 <= stages[0] < stages[1] <= 7:
        raise ConfigError(
            f"agent.pretrained.stages is {stages}; allowed are two numbers from 1 to 7, ascending"
        )


def _check_drm(agent: DrMConfig) -> None:
    _between(agent, "dormant_threshold", 0.0, 1.0)
    _at_least(agent, "dormant_every", 1)
    _between(agent, "awaken_threshold", 0.0, 1.0)
    for key in ("awaken_temperature", "exploit_temperature"):
        _at_least(agent, key, 1e-6)
    _between(agent, "exploit_max", 0.0, 1.0)
    _between(agent, "expectile", 0.0, 1.0)
    _one_of(agent, "perturb", ["none", "random", "task_oriented"])
    _at_least(agent, "perturb_frames", 1)
    _at_least(agent, "perturb_rate", 0.0)
    _between(agent, "perturb_alpha_max", 0.0, 1.0)
    _between(agent, "perturb_alpha_min", 0.0, agent.perturb_alpha_max, "agent.perturb_alpha_max")
    _at_least(agent, "top_performers", 0)
    known = ["encoder", "actor", "critic", "critic_target", "value"]
    for name in agent.perturb_networks:
        if name not in known:
            raise ConfigError(
                f"agent.perturb_networks holds {name!r}; allowed are {', '.join(known)}"
            )


def _check_mentor(agent: MentorConfig) -> None:
    _one_of(agent, "actor", ["moe", "mlp"])
    _at_least(agent, "experts", 1)
    _between(agent, "top_k", 1, agent.experts, "agent.experts")
    _at_least(agent, "expert_dim", 1)
    _at_least(agent, "load_balance_weight", 0.0)


def _one_of(holder: object, key: str, allowed: Sequence[str]) -> None:
    value = getattr(holder, key)
    if value not in allowed:
        raise ConfigError(f"agent.{key} is {value!r}; allowed are {', '.join(allowed)}")


def _at_least(
    holder: object, key: str, low: float, section: str = "agent", low_name: str = ""
) -> None:
    value: Any = getattr(holder, key)
    if not value >= low:  # also catches NaN
        bound = f"{low_name}, which is {low}" if low_name else str(low)
        raise ConfigError(f"{section}.{key} is {value}; it must be at least {bound}")


def _between(
    holder: object,
    key: str,
    low: float,
    high: float,
    high_name: str = "",
    *,
    section: str = "agent",
) -> None:
    value: Any = getattr(holder, key)
    if not low <= value <= high:
        bound = f"{high_name}, which is {high}" if high_name else str(high)
        raise ConfigError(f"{section}.{key} is {value}; it must be from {low} to {bound}")
