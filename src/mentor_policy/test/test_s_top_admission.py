"""S_top admits whole, valid episodes only, even where the others have the best return."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cell_process import fresh_namespace
from gymnasium.error import ResetNeeded
from point_env import STEPS, PointEnv
from policy_process import PolicyProcess, toy_cell
from small_runs import ENVIRONMENT, TINY, trainer_of

from mentor_policy.config import load_config
from mentor_policy.distributed.learner_run import LearnerRun
from mentor_policy.replay import Step
from mentor_policy.training.checkpoint import read_checkpoint
from mentor_policy.training.environment import shape_of
from mentor_policy.training.line_progress import LineProgress
from mentor_policy.training.run_folder import RunFolder
from mentor_policy.training.trainer import Trainer

JACKPOT = 1000.0
"""Reward of a step in an episode that must not be admitted."""


def admitted(folder: Path) -> list[float]:
    """The returns of S_top in the newest checkpoint."""
    entries = read_checkpoint(folder).values["top_performers"]["entries"]
    return [value for _, value in entries]


class Faulty(PointEnv):
    """Every second episode pays the most and has a step in it that is not valid."""

    episodes = 0

    def reset(self, **arguments):
        self.episodes += 1
        return super().reset(**arguments)

    def step(self, action):
        obs, reward, terminated, truncated, info = super().step(action)
        if self.episodes % 2:
            return obs, reward, terminated, truncated, info
        return obs, JACKPOT, terminated, truncated, {**info, "valid": self._step != 9}


@pytest.mark.parametrize("mode", ["train.asynchronous=false", "train.asynchronous=true"])
def test_in_process_an_episode_with_an_invalid_step_is_not_admitted(
    tmp_path: Path, mode: str
) -> None:
    trainer, run = trainer_of(tmp_path / "run", mode, "train.eval_every_frames=0", env=Faulty())
    trainer.train()
    run.close()
    returns = admitted(tmp_path / "run")
    assert len(returns) == 3 and max(returns) < JACKPOT


def test_in_process_an_episode_that_was_broken_off_is_not_admitted(tmp_path: Path) -> None:
    class Lost(PointEnv):
        total = 0

        def step(self, action):
            self.total += 1
            if self.total % 50 == 0:
                raise ResetNeeded("away")
            obs, _, terminated, truncated, info = super().step(action)
            return obs, JACKPOT if 40 < self.total < 50 else 1.0, terminated, truncated, info

    config = load_config("mentor", "robot", [*TINY, "train.eval_every_frames=0"])
    run = RunFolder(tmp_path / "run", config, ENVIRONMENT, shape_of(PointEnv()))
    trainer = Trainer(Lost(), run, PointEnv(), lost=(ResetNeeded,))
    trainer.train()
    run.close()
    assert trainer.times_lost == 2
    assert set(admitted(tmp_path / "run")) == {float(STEPS)}


def test_over_the_topics_an_episode_that_ended_in_a_fault_is_not_admitted(tmp_path: Path) -> None:
    namespace, folder = fresh_namespace(), tmp_path / "run"
    with toy_cell(namespace, faulty=True):
        node = PolicyProcess(
            "policy", namespace, run_dir=folder, max_steps=120, synchronous=True,
            overrides="train.seed_frames=100",
        )  # fmt: skip
        with node:
            assert node.ends() == 0, node.output
    returns = admitted(folder)
    assert returns and max(returns) < 9 * JACKPOT  # what a faulty episode came to


def steps_of(episode: int, reward: float, first: int = 0, fault: int = -1) -> list[Step]:
    """The steps of an episode from ``first`` on; the one numbered ``fault`` is not valid."""
    rng = np.random.default_rng(episode)
    env = PointEnv()
    obs, _ = env.reset(seed=episode)
    steps = [Step(episode, 0, obs)]
    for number in range(1, STEPS + 1):
        action = rng.uniform(-1, 1, 2).astype(np.float32)
        obs, _, _, truncated, _ = env.step(action)
        steps.append(
            Step(episode, number, obs, action, reward, truncated=truncated, valid=number != fault)
        )
    return steps[first:]


def test_in_split_training_cut_and_invalid_episodes_are_not_admitted(tmp_path: Path) -> None:
    config = load_config("mentor", "robot", TINY)

    def learn(steps: list[Step]) -> None:
        """Take steps as a learner that is killed after the last of them."""
        folder = RunFolder(tmp_path / "run", config, ENVIRONMENT, shape_of(PointEnv()))
        progress = LineProgress(lambda _: None, 60.0)
        learner = LearnerRun(folder, checkpoint_every=1e9, progress=progress)
        for step in steps:
            learner.take(step)
        learner.run.save()
        learner.close()
        folder.close()

    learn(steps_of(11, 1.0))
    learn(steps_of(5, JACKPOT, fault=7))
    learn(steps_of(6, JACKPOT, first=4))  # its beginning is lost
    learn(steps_of(7, JACKPOT)[:-1])  # the actor was restarted: its end never comes
    whole = steps_of(8, 2.0)
    learn(whole[:9])  # this learner is restarted, and the actor backfills the rest
    learn(whole[5:])
    assert sorted(admitted(tmp_path / "run")) == [STEPS * 1.0, STEPS * 2.0]
