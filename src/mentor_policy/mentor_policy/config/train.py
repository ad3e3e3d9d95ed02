"""The settings of a training run. Defaults are Table 2 of the paper."""

from __future__ import annotations

from dataclasses import dataclass, field

from .agent import AgentConfig


@dataclass
class TrainConfig:
    """How much and how often the agent is trained. Frames = agent steps x action repeat."""

    frames: int = 3_000_000  # frames of training in all
    seed: int = 0
    action_repeat: int = 2  # frames per agent step: 2 in simulation, 1 on a robot
    seed_frames: int = 4000  # frames before the first update
    update_every: int = 2  # agent steps per update
    batch_size: int = 256
    n_step: int = 3
    discount: float = 0.99  # gamma, per agent step
    replay_capacity: int = 1_000_000  # transitions
    threads: int = 0  # torch threads of the learner, 0 for one per core
    eval_every_frames: int = 20_000
    eval_episodes: int = 10


@dataclass
class Config:
    """A whole run: ``train.*`` and ``agent.*``."""

    preset: str = "metaworld"
    train: TrainConfig = field(default_factory=TrainConfig)
    agent: AgentConfig = field(default_factory=AgentConfig)
