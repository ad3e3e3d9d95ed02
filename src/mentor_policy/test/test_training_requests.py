"""A person pauses a training, has it evaluate, and ends it after the episode."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from mentor_policy.cli.arguments import configure
from mentor_policy.training.environment import shape_of
from mentor_policy.training.run_folder import RunFolder
from mentor_policy.training.trainer import Trainer

ENV = "point_env:mentor-test/point-v0"
SETTINGS = [
    "train.seed_frames=100000", "train.frames=100000", "train.eval_episodes=1",
    "train.video=false", "agent.feature_dim=8", "agent.hidden_dim=16",
]  # fmt: skip


def eventually(look: Callable[[], bool]) -> bool:
    until = time.monotonic() + 60.0
    while not look() and time.monotonic() < until:
        time.sleep(0.01)
    return look()


def test_a_person_pauses_evaluates_and_ends_a_training(tmp_path: Path) -> None:
    config, env, arguments = configure(ENV, "drqv2", None, SETTINGS)
    environment = {"id": ENV, "arguments": arguments}
    folder = RunFolder(tmp_path / "run", config, environment, shape_of(env))
    trainer = Trainer(env, folder)
    thread = threading.Thread(target=trainer.train)
    thread.start()
    requests = trainer.requests
    assert eventually(lambda: trainer.run.steps > 20)
    requests.pause()
    time.sleep(0.3)
    steps = trainer.run.steps
    time.sleep(0.3)
    assert trainer.run.steps == steps and thread.is_alive()
    evaluations = len(trainer.evaluated.results)
    requests.evaluate()
    requests.resume()
    assert eventually(lambda: len(trainer.evaluated.results) == evaluations + 1)
    requests.stop_after_episode = True
    thread.join(60.0)
    folder.close()
    assert not thread.is_alive()
    assert list((tmp_path / "run" / "checkpoints").iterdir()), "what was learned is saved"
    assert (tmp_path / "run" / "summary.json").exists()
