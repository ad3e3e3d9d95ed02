"""Training in lockstep: the order of steps and updates, evaluation, faults, lost environments."""

from pathlib import Path
from typing import Any

import pytest
import torch
from gymnasium.error import ResetNeeded
from point_env import PointEnv
from small_runs import ENVIRONMENT, TINY, trainer_of

from mentor_policy.agents.base import NonFiniteGradientError
from mentor_policy.config import load_config
from mentor_policy.replay import ReplayRing
from mentor_policy.training import backoff
from mentor_policy.training.checkpoint import read_checkpoint
from mentor_policy.training.checkpoint_folders import folders
from mentor_policy.training.csv_log import read_csv
from mentor_policy.training.environment import shape_of
from mentor_policy.training.run_folder import RunFolder
from mentor_policy.training.trainer import Trainer


def test_nan_in_a_gradient_stops_the_run_before_a_checkpoint_is_touched(tmp_path: Path) -> None:
    class Breaking(PointEnv):
        def step(self, action):
            if trainer.run.steps == 60:
                next(trainer.run.agent.critic.parameters()).data.fill_(float("inf"))
            return super().step(action)

    trainer, _ = trainer_of(tmp_path / "run", env=Breaking())
    with pytest.raises(NonFiniteGradientError, match="it moved no weight"):
        trainer.train()
    kept = folders(tmp_path / "run" / "checkpoints")
    assert [folder.name for folder in kept] == ["000000040"]
    tensors = read_checkpoint(kept[0]).tensors()
    assert all(bool(t.isfinite().all()) for t in tensors.values() if t.is_floating_point())


def test_an_environment_that_moves_by_itself_moves_during_the_update_and_changes_no_bit(
    tmp_path: Path,
) -> None:
    class MovesByItself(PointEnv):
        def send(self, action):
            self.seen = [*getattr(self, "seen", []), trainer.run.updates]
            self.action = action

        def receive(self):
            self.learned = [*getattr(self, "learned", []), trainer.run.updates]
            return self.step(self.action)

    env = MovesByItself()
    quiet = "train.eval_every_frames=0"
    trainer, run = trainer_of(tmp_path / "beside", quiet, env=env)
    trainer.train()
    trainer.close()  # a second time, as in whoever's `finally`
    run.close()
    # From the 41st on, each move has the update of the step before it beside it.
    assert env.seen == [0] * 40 + list(range(60))
    assert env.learned == [0] * 40 + list(range(1, 61))
    assert trainer.run.updates == 61
    plain, run = trainer_of(tmp_path / "after", quiet)
    plain.train()
    run.close()
    ours, theirs = (t.run.agent.state()[0] for t in (trainer, plain))
    assert [name for name in theirs if not torch.equal(ours[name], theirs[name])] == []


def test_a_run_stopped_between_a_step_and_its_update_makes_up_for_it(tmp_path: Path) -> None:
    class Stopping(PointEnv):
        def step(self, action):
            trainer.stop = trainer.run.steps == 49
            return super().step(action)

    quiet = "train.eval_every_frames=0"
    trainer, run = trainer_of(tmp_path / "run", quiet, env=Stopping())
    assert trainer.train()["updates"] == 10  # of the steps 40 to 49
    run.close()
    again, run = trainer_of(tmp_path / "run", quiet)
    assert again.run.seconds >= read_csv(tmp_path / "run" / "train.csv")["seconds"][-1] > 0.0
    assert again.train()["updates"] == 61
    run.close()


def test_a_run_stopped_between_a_reset_and_its_first_step_begins_the_episode_anew(
    tmp_path: Path,
) -> None:
    class Elsewhere(PointEnv):
        """As an arm does: each reset ends somewhere else, whatever the seed."""

        def reset(self, *, seed=None, options=None):
            self.resets = getattr(self, "resets", 0) + 1
            trainer.stop = trainer.run.steps == 60
            return super().reset(seed=1000 * id(self) + self.resets, options=options)

    quiet = "train.eval_every_frames=0"
    trainer, run = trainer_of(tmp_path / "run", quiet, env=Elsewhere())
    trainer.train()
    ring = trainer.run.ring
    assert ring.latest_step(3) == 0, "the stop came between the reset and the first step"
    run.close()
    trainer, run = trainer_of(tmp_path / "run", quiet, env=PointEnv())
    assert trainer.run.ring.latest_step(3) != 0
    assert trainer.train()["complete"] and trainer.run.steps == 100
    run.close()


def test_a_run_continues_with_another_interval_between_its_checkpoints(tmp_path: Path) -> None:
    longer, quiet = "train.replay_capacity=1000000", "train.eval_every_frames=0"
    trainer, run = trainer_of(tmp_path / "run", longer, quiet, "train.frames=50")
    trainer.train()
    run.close()
    interval = "train.checkpoint_every_frames=9000"
    trainer, run = trainer_of(tmp_path / "run", longer, quiet, interval)
    assert trainer.train()["complete"] and trainer.run.steps == 100
    run.close()


def test_an_evaluation_that_is_cut_short_is_none_and_the_run_makes_up_for_it(
    tmp_path: Path,
) -> None:
    class Stopping(PointEnv):
        episodes = 0

        def reset(self, **arguments: Any) -> Any:
            self.episodes += 1
            trainer.stop = self.episodes == 3
            return super().reset(**arguments)

    ten, quiet = "train.eval_episodes=10", "train.eval_every_frames=0"
    trainer, run = trainer_of(tmp_path / "run", ten, quiet)
    trainer._evaluation_env = Stopping()
    summary = trainer.train()
    run.close()
    assert not summary["complete"] and not trainer.evaluated.steps and trainer.run.steps == 100
    trainer, run = trainer_of(tmp_path / "run", ten, quiet)
    summary = trainer.train()
    assert summary["complete"] and summary["evaluated_at"] == 100
    assert len(trainer.evaluated.results[-1].returns) == 10
    run.close()


def test_a_stop_in_an_evaluation_whose_environment_is_closed_ends_it(tmp_path: Path) -> None:
    class Closed(PointEnv):
        def step(self, action):
            if trainer.evaluated.steps:
                trainer.stop = True
                raise ResetNeeded("closed")
            return super().step(action)

    trainer, run = trainer_of(tmp_path / "run")
    trainer._evaluation_env = Closed()
    summary = trainer.train()
    run.close()
    assert not summary["complete"] and trainer.evaluated.steps == [0]
    assert folders(tmp_path / "run" / "checkpoints")


def test_a_run_in_a_cell_begins_its_last_evaluation_again_when_the_cell_was_away(
    tmp_path: Path,
) -> None:
    class Away(PointEnv):
        losses = 0

        def step(self, action):
            if trainer.run.steps == 100 and self.losses < 2:
                self.losses += 1
                raise ResetNeeded("away")
            return super().step(action)

    config = load_config("mentor", "robot", TINY)
    run = RunFolder(tmp_path / "run", config, ENVIRONMENT, shape_of(PointEnv()))
    trainer = Trainer(PointEnv(), run, Away(), lost=(ResetNeeded,))
    summary = trainer.train()
    run.close()
    assert summary["complete"] and trainer.evaluated.steps[-1] == 100 and trainer.times_lost == 2


def test_a_cell_that_answers_that_it_cannot_begin_is_not_asked_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unable(ResetNeeded):
        answered = True

    class Stuck(PointEnv):
        resets = 0

        def reset(self, **arguments: Any) -> Any:
            self.resets += 1
            raise Unable("the cable is gone")

    monkeypatch.setattr(backoff, "PAUSES", (0.0,))
    config, env = load_config("mentor", "robot", TINY), Stuck()
    run = RunFolder(tmp_path / "run", config, ENVIRONMENT, shape_of(PointEnv()))
    trainer = Trainer(env, run, PointEnv(), lost=(ResetNeeded,))
    with pytest.raises(backoff.GivenUpError, match=r"20 failures in a row.* the cable is gone"):
        trainer.train()
    run.close()
    assert env.resets == backoff.ANSWERS == 20


def test_a_cell_whose_every_episode_ends_in_a_fault_at_once_is_not_begun_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Faulty(PointEnv):
        def step(self, action):
            obs, reward, terminated, _, info = super().step(action)
            fault = {"valid": False, "reason": "the motor is off"}
            return obs, reward, terminated, True, {**info, **fault}

    monkeypatch.setattr(backoff, "PAUSES", (0.0,))
    trainer, run = trainer_of(tmp_path / "run", "train.learn=false", env=Faulty())
    with pytest.raises(backoff.GivenUpError, match=r"20 failures in a row.* the motor is off"):
        trainer.train()
    run.close()
    assert trainer.times_lost == backoff.ANSWERS


def test_evaluation_does_not_disturb_training(tmp_path: Path) -> None:
    weights = []
    for every in (0, 20):
        folder, short = tmp_path / str(every), "train.frames=70"
        trainer, run = trainer_of(folder, f"train.eval_every_frames={every}", short)
        trainer.train()
        run.close()
        weights.append(trainer.run.agent.state()[0])
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_invalid_steps_reach_the_ring_marked(tmp_path: Path) -> None:
    class Faulty(PointEnv):
        def step(self, action):
            obs, reward, terminated, truncated, info = super().step(action)
            return obs, reward, terminated, truncated, {**info, "valid": self._step != 7}

    trainer, run = trainer_of(tmp_path / "run", "train.learn=false", env=Faulty())
    trainer.train()
    run.close()
    ring = ReplayRing(tmp_path / "run" / "replay", writable=False)
    records = ring.records[: ring.count]
    assert set(records["step"][records["flags"] & 4 == 0]) == {7}
