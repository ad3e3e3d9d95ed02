"""Values that types cannot refuse: ranges, and settings that contradict each other."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from mentor_policy.config.agent import (
    AlixConfig,
    DrMConfig,
    DrQv2Config,
    MentorConfig,
    TacoConfig,
)
from mentor_policy.config.train import Config, TrainConfig

DEVICE_NAME = r"auto|cpu|cuda(:\d{1,3})?"
"""What ``train.device`` may be; whether it is there is seen when it is used."""

_MOST = 10**12  # steps and frames
_BYTES_PER_WEIGHT = 16  # float32: the weight, its gradient and two moments


class ConfigError(ValueError):
    """A configuration that cannot be; the message names key, value and what is allowed."""


def check(config: Config) -> None:
    """Refuse impossible values.

    Raises:
        ConfigError: names the key, its value and what is allowed.
    """
    _check_train(config.train)
    agent = config.agent
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
        _between(agent, "action_dim", 0, 65536)
        _between(agent, "taco_learning_rate", 0.0, 1000.0)
    if isinstance(agent, DrQv2Config):
        _check_memory(agent)


def _check_train(train: TrainConfig) -> None:
    highest: float
    for key, highest in (
        ("frames", _MOST), ("action_repeat", 1000), ("update_every", _MOST), ("batch_size", 65536),
        ("n_step", 1000), ("eval_episodes", 100_000), ("checkpoint_every_frames", _MOST),
        ("keep_checkpoints", _MOST), ("log_every_frames", _MOST),
    ):  # fmt: skip
        _between(train, key, 1, highest, section="train")
    for key, highest in (
        ("seed", 2**31 - 1), ("seed_frames", _MOST), ("threads", 4096),
        ("eval_every_frames", _MOST), ("updates_behind", _MOST), ("updates_per_step", 1e6),
    ):  # fmt: skip
        _between(train, key, 0, highest, section="train")
    if not re.fullmatch(DEVICE_NAME, train.device):
        raise ConfigError(
            f"train.device is {train.device!r}; allowed are auto, cpu, cuda, cuda:0, cuda:1, ..."
        )
    for key in ("discount", "bag_share"):
        _between(train, key, 0.0, 1.0, section="train")
    _between(train, "reward_scale", 1e-6, 1e6, section="train")
    _between(train, "reward_offset", -1e6, 1e6, section="train")
    _at_least(train, "replay_capacity", train.batch_size, "train", "train.batch_size")
    _between(train, "replay_capacity", 1, 10**9, section="train")


def _check_drqv2(agent: DrQv2Config) -> None:
    _one_of(agent, "encoder", ["conv", "pretrained"])
    _one_of(agent, "precision", ["auto", "float32", "bfloat16", "float64"])
    for key in ("feature_dim", "hidden_dim"):
        _between(agent, key, 1, 65536)
    _between(agent, "shift_padding", 0, 64)
    _between(agent, "explore_steps", 0, _MOST)
    _between(agent, "stddev_steps", 1, _MOST)
    for key in ("learning_rate", "actor_learning_rate_ratio", "stddev_clip", "saturation_weight"):
        _between(agent, key, 0.0, 1000.0)
    _between(agent, "soft_update_rate", 0.0, 1.0)
    _between(agent, "average_rate", 0.0, 1.0)
    _between(agent, "noise_correlation", 0.0, 0.999)
    _between(agent, "evaluation_stddev", 0.0, 1.0)
    _between(agent, "stddev_start", 0.0, 10.0)
    _between(agent, "stddev_end", 0.0, agent.stddev_start, "agent.stddev_start")
    pretrained = agent.pretrained
    _between(pretrained, "input_size", 32, 512, section="agent.pretrained")
    _between(pretrained, "adapter_channels", 1, 4096, section="agent.pretrained")
    stages = list(pretrained.stages)
    if len(stages) != 2 or not 1 <= stages[0] < stages[1] <= 7:
        raise ConfigError(
            f"agent.pretrained.stages is {stages}; allowed are two numbers from 1 to 7, ascending"
        )


def _check_memory(agent: DrQv2Config) -> None:
    """Refuse networks whose hidden layers alone do not fit into the machine's memory."""
    width = agent.hidden_dim
    weights, named = 5 * width * width, "agent.hidden_dim"  # both critics of both twins, actor
    if isinstance(agent, MentorConfig) and agent.actor == "moe":
        weights += 2 * agent.experts * width * agent.expert_dim
        named += ", agent.experts and agent.expert_dim"
    needed = weights * _BYTES_PER_WEIGHT
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise ConfigError(
            f"{named} ask for {needed / 1e9:.0f} GB of weights, gradients and moments; this "
            f"machine has {there / 1e9:.0f} GB"
        )


def _check_drm(agent: DrMConfig) -> None:
    _between(agent, "dormant_threshold", 0.0, 1.0)
    _between(agent, "dormant_every", 1, _MOST)
    _between(agent, "awaken_threshold", 0.0, 1.0)
    for key in ("awaken_temperature", "exploit_temperature"):
        _between(agent, key, 1e-6, 1e6)
    _between(agent, "exploit_max", 0.0, 1.0)
    _between(agent, "expectile", 0.0, 1.0)
    _one_of(agent, "perturb", ["none", "random", "task_oriented"])
    _between(agent, "perturb_frames", 1, _MOST)
    _between(agent, "perturb_rate", 0.0, 1000.0)
    _between(agent, "perturb_alpha_max", 0.0, 1.0)
    _between(agent, "perturb_alpha_min", 0.0, agent.perturb_alpha_max, "agent.perturb_alpha_max")
    _between(agent, "top_performers", 0, 1000)
    known = ["encoder", "actor", "critic", "critic_target", "value"]
    for name in agent.perturb_networks:
        if name not in known:
            raise ConfigError(
                f"agent.perturb_networks holds {name!r}; allowed are {', '.join(known)}"
            )


def _check_mentor(agent: MentorConfig) -> None:
    _one_of(agent, "actor", ["moe", "mlp"])
    _between(agent, "experts", 1, 4096)
    _between(agent, "top_k", 1, agent.experts, "agent.experts")
    _between(agent, "expert_dim", 1, 65536)
    _between(agent, "load_balance_weight", 0.0, 1000.0)


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
