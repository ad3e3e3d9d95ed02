"""The loop of training: what it writes, what it refuses, how it learns beside the environment."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium.error import ResetNeeded
from point_env import PointEnv

from mentor_policy.__main__ import main
from mentor_policy.agents.base import NonFiniteGradientError
from mentor_policy.config import load_config
from mentor_policy.replay import ReplayRing
from mentor_policy.training import trainer as module
from mentor_policy.training.background import BackgroundLearner
from mentor_policy.training.cell_trainer import CellTrainer
from mentor_policy.training.checkpoint import folders, read_checkpoint
from mentor_policy.training.csv_log import read_csv
from mentor_policy.training.environment import UnfitEnvironmentError, shape_of
from mentor_policy.training.evaluation import wilson_interval
from mentor_policy.training.learner import Learner, open_ring
from mentor_policy.training.run_folder import RunFolder, RunFolderError
from mentor_policy.training.trainer import Trainer

TINY = [
    "agent.hidden_dim=16", "agent.experts=2", "agent.top_k=1", "agent.expert_dim=8",
    "agent.feature_dim=8", "agent.precision=float32", "train.frames=100", "train.seed_frames=40",
    "train.batch_size=8", "train.threads=1", "train.eval_every_frames=50", "train.eval_episodes=2",
    "train.replay_capacity=500", "train.checkpoint_every_frames=40", "train.log_every_frames=20",
]  # fmt: skip
ENVIRONMENT = {"id": "point_env:mentor-test/point-v0", "arguments": {}}
COMMAND = ["train", "--env", "point_env:mentor-test/point-v0", "--preset", "robot", *TINY]


def trainer_of(folder: Path, *overrides: str, env=None, **arguments) -> tuple[Trainer, RunFolder]:
    config = load_config("mentor", "robot", [*TINY, *overrides])
    env = env or PointEnv(**arguments)
    run = RunFolder(folder, config, ENVIRONMENT, shape_of(env))
    return Trainer(config, env, ENVIRONMENT, run, PointEnv()), run


def test_a_run_leaves_everything_that_a_visual_rl_user_expects(tmp_path: Path, capsys) -> None:
    folder = tmp_path / "run"
    assert main([*COMMAND, "--run-dir", str(folder)]) == 0
    output = capsys.readouterr().out
    for name in ("config.json", "summary.json", "curve.png", "train.csv", "eval.csv"):
        assert (folder / name).stat().st_size > 0, name
    assert list((folder / "tensorboard").glob("events*"))
    assert (folder / "videos" / "eval_000000100.mp4").stat().st_size > 1000
    assert (
        f"evaluate it: python -m mentor_policy evaluate {folders(folder / 'checkpoints')[-1]}"
        in (output)
    )
    training, evaluation = read_csv(folder / "train.csv"), read_csv(folder / "eval.csv")
    assert training["step"] == [20, 40, 60, 80, 100] and training["updates"][-1] == 61
    assert evaluation["step"] == [0, 60, 100]
    assert main(["info", str(folder)]) == 0
    assert "100 steps, 100 frames, 5 episodes, 61 updates" in capsys.readouterr().out
    video = tmp_path / "film.mp4"
    assert main(["evaluate", str(folder), "--episodes", "3", "--video", str(video)]) == 0
    assert "95 % interval" in capsys.readouterr().out and video.stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["agent.top_k=3"], "agent.top_k is 3"),
        (["agent.colour=3"], "agent.colour is not a setting"),
        (["train.frames"], "not of the form key=value"),
        (["env.colour=3"], "refuses"),
        (["train.action_repeat=4"], "give env.action_repeat=4"),
        (["--agent", "dqn"], "agent 'dqn' is not known"),
        (["--evaluate-in", "mentor/dmc-hopper_hop-v0"], "choose one of the same shape"),
    ],
)
def test_impossible_settings_are_refused_by_name(tmp_path, capsys, arguments, message) -> None:
    assert main([*COMMAND, *arguments, "--run-dir", str(tmp_path / "run")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_an_unknown_environment_is_refused_by_name(capsys) -> None:
    assert main(["train", "--env", "nowhere-v0"]) == 2
    assert "environment 'nowhere-v0'" in capsys.readouterr().err


def test_a_folder_of_another_run_is_refused_with_the_keys_that_differ(tmp_path: Path) -> None:
    _, run = trainer_of(tmp_path / "run")
    run.close()
    with pytest.raises(RunFolderError, match=r"agent.top_k is 1 there and 2 here.*train.seed"):
        trainer_of(tmp_path / "run", "agent.top_k=2", "train.seed=4")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(RunFolderError, match="is not empty and holds no run"):
        trainer_of(tmp_path / "mine")


def test_two_learners_in_one_folder_are_refused(tmp_path: Path) -> None:
    _, run = trainer_of(tmp_path / "run")
    with pytest.raises(RunFolderError, match=f"in use by process {os.getpid()}"):
        trainer_of(tmp_path / "run")
    run.close()


def test_nan_in_a_gradient_stops_the_run_before_a_checkpoint_is_touched(tmp_path: Path) -> None:
    class Broken(PointEnv):
        def step(self, action):
            obs, reward, *rest = super().step(action)
            self.steps = getattr(self, "steps", 0) + 1
            return obs, float("nan") if self.steps > 60 else reward, *rest

    trainer, _ = trainer_of(tmp_path / "run", env=Broken())
    with pytest.raises(NonFiniteGradientError, match="no weight was changed"):
        trainer.run()
    kept = folders(tmp_path / "run" / "checkpoints")
    assert [folder.name for folder in kept] == ["000000040"]
    tensors = read_checkpoint(kept[0]).tensors()
    assert all(bool(t.isfinite().all()) for t in tensors.values() if t.is_floating_point())


def test_an_environment_that_moves_by_itself_moves_during_the_update_and_changes_no_bit(
    tmp_path: Path,
) -> None:
    class MovesByItself(PointEnv):
        def send(self, action):
            self.seen = [*getattr(self, "seen", []), trainer.learner.updates]
            self.action = action

        def receive(self):
            self.learned = [*getattr(self, "learned", []), trainer.learner.updates]
            return self.step(self.action)

    env = MovesByItself()
    trainer, run = trainer_of(tmp_path / "beside", env=env)
    trainer.run()
    run.close()
    # From the 41st on, each move has the update of the step before it beside it.
    assert env.seen == [0] * 40 + list(range(60))
    assert env.learned == [0] * 40 + list(range(1, 61))
    assert trainer.learner.updates == 61
    plain, run = trainer_of(tmp_path / "after")
    plain.run()
    run.close()
    ours, theirs = (t.agent.state()[0] for t in (trainer, plain))
    assert [name for name in theirs if not torch.equal(ours[name], theirs[name])] == []


def test_a_run_stopped_between_a_step_and_its_update_makes_up_for_it(tmp_path: Path) -> None:
    class Stopping(PointEnv):
        def step(self, action):
            trainer.stop = trainer.counters.step == 49
            return super().step(action)

    trainer, run = trainer_of(tmp_path / "run", env=Stopping())
    assert trainer.run()["updates"] == 10  # of the steps 40 to 49
    run.close()
    again, run = trainer_of(tmp_path / "run")
    assert again.run()["updates"] == 61
    run.close()


def test_asynchronous_learning_works_while_the_environment_moves_and_keeps_its_cap(
    tmp_path,
) -> None:
    trainer, run = trainer_of(
        tmp_path / "run", "train.asynchronous=true", "train.updates_per_step=0.5", delay=0.02
    )
    summary = trainer.run()
    run.close()
    assert summary["updates"] == int(0.5 * 61)
    idle = read_csv(tmp_path / "run" / "train.csv")["learner_idle"]
    assert all(0 <= share <= 1 for share in idle)


@pytest.mark.parametrize("behind", [0, 5])
def test_an_episode_begins_when_the_learner_is_not_too_far_behind(
    tmp_path: Path, behind: int
) -> None:
    owed, pause = [], [0.01 if behind else 0.5]

    class Watched(PointEnv):
        def reset(self, **arguments):
            step = trainer.counters.step
            owed.append(max(0, step - 39) - trainer.learner.updates)
            if step >= 80:
                pause[0] = 0.0
            return super().reset(**arguments)

    trainer, run = trainer_of(
        tmp_path / "run", "train.asynchronous=true", f"train.updates_behind={behind}",
        "train.eval_every_frames=0", env=Watched(),
    )  # fmt: skip
    update = trainer.agent.update

    def slow(*arguments):
        time.sleep(pause[0])
        return update(*arguments)

    trainer.agent.update = slow
    assert trainer.run()["complete"]
    run.close()
    if behind:
        assert max(owed) <= behind
    else:
        assert max(owed) > 20  # an arm that waits for nobody runs away from a slow learner


def test_a_run_stopped_while_an_episode_waits_for_the_learner_begins_none(tmp_path: Path) -> None:
    resets = []

    class Watched(PointEnv):
        def reset(self, **arguments):
            resets.append(trainer.stop)
            return super().reset(**arguments)

    trainer, run = trainer_of(
        tmp_path / "run", "train.asynchronous=true", "train.updates_behind=1",
        "train.eval_every_frames=0", env=Watched(),
    )  # fmt: skip
    update = trainer.agent.update

    def stopped(*arguments):
        if trainer.counters.step == 60:  # the end of an episode, with most of its updates owed
            trainer.stop = True
        time.sleep(0.05)
        return update(*arguments)

    trainer.agent.update = stopped
    assert not trainer.run()["complete"]
    run.close()
    assert resets == [False] * 3 and trainer.counters.step == 60
    trainer, run = trainer_of(tmp_path / "run", "train.asynchronous=true", "train.updates_behind=1")
    assert trainer.counters.step == 60
    assert trainer.run()["complete"]
    run.close()


def test_a_folder_older_than_a_setting_is_resumed(tmp_path: Path) -> None:
    def open_folder(*overrides: str) -> None:
        config = load_config("mentor", "robot", [*TINY, *overrides])
        RunFolder(tmp_path / "run", config, ENVIRONMENT, shape_of(PointEnv())).close()

    open_folder()
    file = tmp_path / "run" / "config.json"
    kept = json.loads(file.read_text())
    del kept["config"]["train"]["reward_scale"]
    file.write_text(json.dumps(kept))
    with pytest.raises(RunFolderError, match=r"train.reward_scale is 1.0 there and 0.5 here"):
        open_folder("train.reward_scale=0.5")
    open_folder()


def test_acting_does_not_wait_for_an_update_that_takes_long(tmp_path: Path) -> None:
    trainer, run = trainer_of(
        tmp_path / "run", "train.asynchronous=true", "train.frames=60", "train.seed_frames=41",
        "train.eval_every_frames=0", "train.checkpoint_every_frames=1000",
    )  # fmt: skip
    go_on, updating, beside = threading.Event(), threading.Event(), threading.Event()
    update, act = trainer.agent.update, trainer.agent.act

    def long_update(*arguments):
        updating.set()
        assert go_on.wait(60)
        return update(*arguments)

    def watched(*arguments, **named):
        if trainer.counters.step == 45:
            assert updating.wait(60)
        if trainer.counters.step == 50:
            beside.set()  # several steps later, the update is still under way
        return act(*arguments, **named)

    trainer.agent.update, trainer.agent.act = long_update, watched
    loop = threading.Thread(target=trainer.run)
    loop.start()
    try:
        assert updating.wait(60)
        assert beside.wait(60)
        assert trainer.learner.updates == 0
        assert trainer.learning.seconds > 0  # the update that is under way counts as work
    finally:
        go_on.set()
        loop.join()
        run.close()
    assert trainer.learner.updates == 20


def test_acting_beside_an_update_gives_finite_actions_and_leaves_the_update_its_randomness(
    tmp_path: Path,
) -> None:
    def generators(agent) -> dict[str, bytes]:
        return {
            name: generator.get_state().numpy().tobytes()
            for name, generator in agent.generators.items()
        }

    trainers = [
        trainer_of(tmp_path / str(number), "train.seed_frames=100", "agent.dormant_every=1")
        for number in range(2)
    ]
    for trainer, _ in trainers:
        trainer.run()
    learners = [
        Learner(
            trainer.config,
            trainer.agent,
            open_ring(run.replay, trainer.config, shape_of(PointEnv())),
        )
        for trainer, run in trainers
    ]
    over = threading.Event()
    actions = []

    def act() -> None:
        while not over.is_set():
            pixels = np.zeros((6, 24, 24), np.uint8)
            actions.append(trainers[0][0].agent.act(pixels, None, step=500, evaluate=False))

    thread = threading.Thread(target=act)
    thread.start()
    for _ in range(40):
        for learner in learners:
            learner.update(500)
    over.set()
    thread.join()
    assert len(actions) > 0 and np.isfinite(actions).all()
    one, other = (trainer.agent for trainer, _ in trainers)
    assert generators(one).pop("acting") != generators(other).pop("acting")
    for name in ("updating", "weights", "perturbing"):
        assert generators(one)[name] == generators(other)[name]
    tensors = [agent.state()[0] for agent in (one, other)]
    for name in tensors[0]:
        if name not in ("generator/acting", "acting_noise"):
            assert torch.equal(tensors[0][name], tensors[1][name]), name
    for learner, (_, run) in zip(learners, trainers, strict=True):
        learner.close()
        learner.ring.close()
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
    summary = trainer.run()
    run.close()
    assert not summary["complete"] and trainer.evaluated.steps == [0]
    assert folders(tmp_path / "run" / "checkpoints")


def test_a_run_in_a_cell_begins_its_last_evaluation_again_when_the_cell_was_away(
    tmp_path: Path,
) -> None:
    class Away(PointEnv):
        losses = 0

        def step(self, action):
            if trainer.counters.step == 100 and self.losses < 2:
                self.losses += 1
                raise ResetNeeded("away")
            return super().step(action)

    config = load_config("mentor", "robot", TINY)
    run = RunFolder(tmp_path / "run", config, ENVIRONMENT, shape_of(PointEnv()))
    trainer = CellTrainer(config, PointEnv(), ENVIRONMENT, run, Away(), lost=(ResetNeeded,))
    summary = trainer.run()
    run.close()
    assert summary["complete"] and trainer.evaluated.steps[-1] == 100 and trainer.losses == 2


def test_a_run_stopped_while_it_catches_up_learns_the_rest_when_it_is_started_again(
    tmp_path: Path,
) -> None:
    overrides = ("train.asynchronous=true", "train.eval_every_frames=0")
    trainer, run = trainer_of(tmp_path / "run", *overrides)
    update = trainer.agent.update

    def slow(*arguments):
        if trainer.counters.step == 100:
            trainer.stop = True
        time.sleep(0.05)
        return update(*arguments)

    trainer.agent.update = slow
    summary = trainer.run()
    run.close()
    assert not summary["complete"] and summary["step"] == 100 and summary["updates"] < 61
    trainer, run = trainer_of(tmp_path / "run", *overrides)
    summary = trainer.run()
    run.close()
    assert summary["complete"] and summary["updates"] == 61


def test_a_run_that_is_complete_is_left_as_it_is_when_it_is_started_again(tmp_path: Path) -> None:
    class Untouched(PointEnv):
        def reset(self, **_):
            raise AssertionError("nothing is left to do")

    trainer, run = trainer_of(tmp_path / "run")
    summary = trainer.run()
    run.close()
    written = (tmp_path / "run" / "eval.csv").read_bytes()
    trainer, run = trainer_of(tmp_path / "run", env=Untouched())
    trainer._evaluation_env = Untouched()
    assert trainer.run() == json.loads(json.dumps(summary))
    run.close()
    assert (tmp_path / "run" / "eval.csv").read_bytes() == written


def test_a_run_stopped_before_its_last_evaluation_makes_up_for_it(tmp_path: Path) -> None:
    trainer, run = trainer_of(tmp_path / "run")
    evaluate = trainer._evaluate

    def stopped() -> None:
        trainer.stop = trainer.counters.step == 100
        evaluate()

    trainer._evaluate = stopped
    trainer.run()
    run.close()
    trainer, run = trainer_of(tmp_path / "run")
    trainer.run()
    run.close()
    assert read_csv(tmp_path / "run" / "eval.csv")["step"][-1] == 100


def test_the_stop_of_a_run_writes_no_member_that_is_on_the_disk_already(tmp_path: Path) -> None:
    overrides = ("train.asynchronous=true", "train.checkpoint_every_frames=60")
    trainer, run = trainer_of(tmp_path / "run", *overrides)
    step = trainer._step

    def stopping(*arguments):
        result = step(*arguments)
        trainer.stop = trainer.counters.step == 75
        return result

    trainer._step = stopping
    trainer.run()
    run.close()
    kept = folders(tmp_path / "run" / "checkpoints")
    assert [folder.name for folder in kept] == ["000000060", "000000075"]
    before, after = (
        {path.name: path.stat().st_ino for path in folder.glob("top_performers*")}
        for folder in kept
    )
    assert len(before) == 3 and before == after
    assert [path.name for path in kept[0].parent.iterdir() if path not in kept] == []


@pytest.mark.parametrize("asynchronous", [True, False])
def test_only_an_asynchronous_run_saves_by_the_clock_too(
    tmp_path: Path, monkeypatch, asynchronous: bool
) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_SECONDS", 0.0)
    trainer, run = trainer_of(
        tmp_path / "run", f"train.asynchronous={str(asynchronous).lower()}", "train.frames=60",
        "train.eval_every_frames=0", "train.checkpoint_every_frames=1000",
    )  # fmt: skip
    trainer.run()
    run.close()
    kept = [int(folder.name) for folder in folders(tmp_path / "run" / "checkpoints")]
    assert kept == ([40, 60] if asynchronous else [60])


def test_an_asynchronous_run_that_died_keeps_every_step_it_lived(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    source = f"""
import sys, os
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_trainer import *
trainer, run = trainer_of(Path({str(folder)!r}), "train.asynchronous=true")
step = trainer._step
def dying(*arguments):
    if trainer.counters.step == 75:
        os.kill(os.getpid(), 9)
    return step(*arguments)
trainer._step = dying
trainer.run()
"""
    assert subprocess.run([sys.executable, "-c", source], capture_output=True).returncode == -9
    trainer, run = trainer_of(folder, "train.asynchronous=true")
    assert trainer.counters.step == 75 and trainer.counters.episode == 4
    assert trainer.run()["complete"]
    run.close()
    ring = ReplayRing(folder / "replay", writable=False)
    records = ring.records[: ring.count]
    assert (records["step"] > 0).sum() == 100
    assert len({(int(r["episode"]), int(r["step"])) for r in records}) == ring.count


def test_evaluation_does_not_disturb_training(tmp_path: Path) -> None:
    weights = []
    for every in (0, 20):
        folder = tmp_path / str(every)
        trainer, run = trainer_of(folder, f"train.eval_every_frames={every}", "train.video=false")
        trainer.run()
        run.close()
        weights.append(trainer.agent.state()[0])
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_invalid_steps_reach_the_ring_marked(tmp_path: Path) -> None:
    class Faulty(PointEnv):
        def step(self, action):
            obs, reward, terminated, truncated, info = super().step(action)
            return obs, reward, terminated, truncated, {**info, "valid": self._step != 7}

    trainer, run = trainer_of(tmp_path / "run", "train.learn=false", env=Faulty())
    trainer.run()
    run.close()
    ring = ReplayRing(tmp_path / "run" / "replay", writable=False)
    records = ring.records[: ring.count]
    assert set(records["step"][records["flags"] & 4 == 0]) == {7}


def test_an_error_in_the_background_reaches_the_loop() -> None:
    def fail() -> None:
        raise ArithmeticError("broken")

    learner = BackgroundLearner(fail)
    learner.allow(1)
    with pytest.raises(ArithmeticError, match="broken"):
        learner.drain()
    learner.close()


def test_the_wilson_interval_is_that_of_the_textbook() -> None:
    assert np.allclose(wilson_interval(16, 20), (0.5840, 0.9193), atol=1e-4)
    assert wilson_interval(20, 20)[1] == pytest.approx(1.0) and wilson_interval(20, 20)[0] > 0.83


def test_what_has_no_pixels_is_refused() -> None:
    class Blind(PointEnv):
        def __init__(self) -> None:
            super().__init__()
            self.observation_space = self.action_space

    with pytest.raises(UnfitEnvironmentError, match="holds no pixels"):
        shape_of(Blind())
