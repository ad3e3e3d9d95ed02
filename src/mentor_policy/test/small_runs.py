"""Runs small enough for a test, over the point environment."""

from __future__ import annotations

from pathlib import Path

from point_env import PointEnv

from mentor_policy.config import load_config
from mentor_policy.training.environment import shape_of
from mentor_policy.training.run_folder import RunFolder
from mentor_policy.training.trainer import Trainer

TINY = [
    "agent.hidden_dim=16", "agent.experts=2", "agent.top_k=1", "agent.expert_dim=8",
    "agent.feature_dim=8", "agent.precision=float32", "train.frames=100", "train.seed_frames=40",
    "train.update_every=1",
    "train.batch_size=8", "train.threads=1", "train.eval_every_frames=50", "train.eval_episodes=1",
    "train.replay_capacity=500", "train.checkpoint_every_frames=40", "train.log_every_frames=20",
    "train.video=false",
]  # fmt: skip
ENVIRONMENT = {"id": "point_env:mentor-test/point-v0", "arguments": {}}
COMMAND = ["train", "--env", "point_env:mentor-test/point-v0", "--preset", "robot", *TINY]


def trainer_of(folder: Path, *overrides: str, env=None, **arguments) -> tuple[Trainer, RunFolder]:
    """A trainer in a run folder; ``arguments`` are those of the environment."""
    config = load_config("mentor", "robot", [*TINY, *overrides])
    env = env or PointEnv(**arguments)
    run = RunFolder(folder, config, ENVIRONMENT, shape_of(env))
    return Trainer(env, run, PointEnv()), run
