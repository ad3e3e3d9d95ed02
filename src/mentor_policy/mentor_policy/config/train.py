"""The settings of a training run. Defaults are Table 2 of the paper."""

from __future__ import annotations

from dataclasses import dataclass, field

from mentor_policy.config.agent import AgentConfig


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
    reward_scale: float = 1.0  # factor on rewards when they are learned from; logs keep the task's
    reward_offset: float = 0.0  # added before the factor; logs keep the task's
    replay_capacity: int = 1_000_000  # transitions
    bag_share: float = 0.0  # of every batch, drawn from --bags; 0: they fill the run's own replay
    device: str = "auto"  # cpu, cuda, cuda:<n>, or auto: the first CUDA device, else the processor
    threads: int = 0  # torch threads of the learner, 0 for one per core
    eval_every_frames: int = 20_000
    eval_episodes: int = 10
    learn: bool = True  # False: act and store, but never update (a baseline)
    asynchronous: bool = False  # learn while the environment moves, instead of between its steps
    updates_per_step: float = 0.0  # a cap when asynchronous; 0 for 1 / update_every
    updates_behind: int = 40  # at most, when an asynchronous episode begins: it waits; 0 for any
    checkpoint_every_frames: int = 20_000
    keep_checkpoints: int = 2  # newest ones kept
    log_every_frames: int = 1000  # between two lines of losses
    video: bool = True  # mp4 of the first episode of each evaluation


@dataclass
class Config:
    """A whole run: ``train.*`` and ``agent.*``."""

    preset: str = "metaworld"
    train: TrainConfig = field(default_factory=TrainConfig)
    agent: AgentConfig = field(default_factory=AgentConfig)
