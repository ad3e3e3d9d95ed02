"""MENTOR learns from pixels in a minute what neither chance nor an untrained network does."""

from pathlib import Path

from point_env import STEPS, PointEnv

from mentor_policy.config import load_config
from mentor_policy.training.environment import shape_of
from mentor_policy.training.run_folder import RunFolder
from mentor_policy.training.trainer import Trainer

SETTINGS = [
    "train.frames=700", "train.update_every=1", "train.seed_frames=300", "train.batch_size=16",
    "train.threads=1",
    "train.eval_every_frames=0", "train.eval_episodes=20", "train.replay_capacity=5000",
    "train.checkpoint_every_frames=5000", "train.video=false", "train.discount=0.8",
]  # fmt: skip
SMALL = [
    "agent.hidden_dim=128", "agent.experts=4", "agent.top_k=2", "agent.expert_dim=32",
    "agent.explore_steps=300", "agent.stddev_steps=1000", "agent.stddev_start=0.6",
    "agent.stddev_end=0.3", "agent.shift_padding=1", "agent.learning_rate=1e-3",
    "agent.actor_learning_rate_ratio=0.1", "agent.precision=float32",
]  # fmt: skip
REACHED = 0.5 * STEPS
"""Return of an agent that goes to the target and stays near it; 0.8 x STEPS is about the best."""
FAILED = 0.3 * STEPS
SHORT = ["train.frames=20", "train.seed_frames=20"]
"""For agents that do not learn: only their evaluation counts."""


def score(folder: Path, agent: str, overrides: list[str]) -> float:
    """Mean return over 20 evaluation episodes after training."""
    config = load_config(agent, "robot", [*SETTINGS, *overrides])
    env = PointEnv()
    run = RunFolder(folder, config, {"id": "point", "arguments": {}}, shape_of(env))
    summary = Trainer(env, run, PointEnv()).train()
    run.close()
    return float(summary["return"])


def test_mentor_learns_where_chance_and_an_untrained_network_fail(tmp_path: Path) -> None:
    assert score(tmp_path / "random", "random", SHORT) < FAILED
    assert score(tmp_path / "untrained", "mentor", [*SMALL, *SHORT, "train.learn=false"]) < FAILED
    assert score(tmp_path / "trained", "mentor", SMALL) > REACHED
