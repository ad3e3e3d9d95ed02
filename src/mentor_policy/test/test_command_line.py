"""The command line: what a run leaves, what is refused by name, in one line."""

import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
from point_env import PointEnv
from small_runs import COMMAND, TINY

from mentor_policy.__main__ import main
from mentor_policy.cli.train import StopOnSignal
from mentor_policy.config import load_config
from mentor_policy.nodes.end_report import evaluate_command
from mentor_policy.training.checkpoint_folders import folders
from mentor_policy.training.csv_log import read_csv
from mentor_policy.training.environment import UnfitEnvironmentError, shape_of
from mentor_policy.training.evaluation import wilson_interval
from mentor_policy.training.run_folder import RunFolder, default_folder
from mentor_policy.training.trainer import Trainer


def test_a_run_leaves_everything_that_a_visual_rl_user_expects(tmp_path: Path, capsys) -> None:
    folder = tmp_path / "run"
    assert main([*COMMAND, "train.video=true", "--run-dir", str(folder)]) == 0
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
    assert main(["evaluate", str(folder), "--episodes", "1"]) == 0
    assert (folder / "videos" / "checkpoint_000000100.mp4").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["agent.top_k=3"], "agent.top_k is 3"),
        (["agent.colour=3"], "agent.colour is not a setting"),
        (["train.frames"], "not of the form key=value"),
        (["env.colour=3"], "refuses"),
        (["env.colour=" + "[" * 100_000], "is nested too deeply"),
        (["env.colour={"], "override 'env.colour={' cannot be read"),
        (["train.action_repeat=4"], "give env.action_repeat=4"),
        (["--agent", "dqn"], "agent 'dqn' is not known"),
        (["--offline-updates", "9"], "--offline-updates 9 needs --bags"),
        (["--evaluate-in", "mentor/dmc-hopper_hop-v0"], "choose one of the same shape"),
    ],
)
def test_impossible_settings_are_refused_by_name(tmp_path, capsys, arguments, message) -> None:
    assert main([*COMMAND, *arguments, "--run-dir", str(tmp_path / "run")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_help_prints_a_percent_sign_as_it_is(capsys) -> None:
    for arguments in (["--help"], ["evaluate", "--help"]):
        with pytest.raises(SystemExit):
            main(arguments)
        assert "95 % interval" in " ".join(capsys.readouterr().out.split())


def test_the_help_of_evaluate_gives_its_defaults_and_explains_arguments_of_the_environment(
    capsys,
) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "how many (default: 20)" in shown and "(default: 1000000)" in shown
    assert "env.key=value arguments of the environment, such as env.disturbance=" in shown


def test_a_run_lies_where_its_task_says_in_process_and_over_topics() -> None:
    for environment in ("mentor/dmc-walker_walk-v0", "dmc-walker_walk"):
        folder = default_folder(environment, "drm", 3)
        assert folder == Path("runs/dmc-walker_walk/drm-3")


@pytest.mark.parametrize(
    ("task", "command"),
    [
        ("dmc-hopper_hop", 'TASK=benchmark ARGS="suite:=dmc task:=hopper_hop mode:=eval'),
        ("metaworld-mt5", 'TASK=benchmark ARGS="suite:=metaworld task:=mt5 mode:=eval'),
        ("CartPole-v1", 'TASK=benchmark ARGS="suite:=gymnasium task:=CartPole-v1 mode:=eval'),
        ("mentor-test-point", "suite:=gymnasium task:=mentor-test/point-v0 mode:=eval"),
        ("cable_routing", 'make launch TASK=cable_routing ARGS="mode:=eval'),
        ("of_nobody", 'the launch that trained it once more, with ARGS="mode:=eval'),
    ],
)
def test_the_command_that_evaluates_a_run_is_named_for_every_suite(task: str, command: str) -> None:
    assert command in evaluate_command(task, Path("/runs/x"))


@pytest.mark.parametrize(
    ("task", "way"),
    [
        ("cable_routing", "in process with --env mentor/cable_routing-v0"),
        ("CartPole-v1", "suite:=gymnasium task:=CartPole-v1 mode:=eval"),
    ],
)
def test_a_checkpoint_trained_over_topics_says_at_once_that_no_cell_answers(
    tmp_path: Path, capsys, monkeypatch, task: str, way: str
) -> None:
    monkeypatch.setattr("mentor_policy.cli.evaluate.CONNECT_SECONDS", 0.5)
    environment = {"id": "mentor/ros-v0", "arguments": {}, "task": task}
    environment["reset_options"] = {"peg": "star"}
    config = load_config("mentor", "robot", [*TINY, "train.frames=20"])
    run = RunFolder(tmp_path / "run", config, environment, shape_of(PointEnv()))
    Trainer(PointEnv(), run).train()
    run.close()
    assert main(["info", str(tmp_path / "run")]) == 0
    assert "resets       {'peg': 'star'}" in capsys.readouterr().out
    for options in ([], ["--episodes", "1"]):  # a setting may stand behind an option
        words = ["evaluate", str(tmp_path / "run"), *options, "env.namespace=/nobody"]
        assert main(words) == 2
        assert "no cell answers" in (said := capsys.readouterr().err)
        assert way in said
    with pytest.raises(SystemExit):
        main(["evaluate", str(tmp_path / "run"), "--episodes", "1", "--no-such-option"])
    assert "unrecognized arguments: --no-such-option" in capsys.readouterr().err


def test_an_unknown_environment_is_refused_by_name(capsys) -> None:
    assert main(["train", "--env", "nowhere-v0"]) == 2
    assert "environment 'nowhere-v0'" in capsys.readouterr().err


def test_what_has_no_pixels_is_refused() -> None:
    class Blind(PointEnv):
        def __init__(self) -> None:
            super().__init__()
            self.observation_space = self.action_space

    with pytest.raises(UnfitEnvironmentError, match="holds no pixels"):
        shape_of(Blind())


@pytest.mark.usefixtures("in_a_terminal")
def test_a_terminal_that_is_closed_stops_a_training_which_then_saves(monkeypatch) -> None:
    terminal, slave = os.openpty()
    stream = os.fdopen(slave, "w")
    monkeypatch.setattr(sys, "stderr", stream)
    trainer = SimpleNamespace(stop=False)
    with StopOnSignal(trainer):
        os.close(terminal)
        for _ in range(2):  # one is the kernel's, one the shell's
            os.kill(os.getpid(), signal.SIGHUP)
        assert trainer.stop
        print("the trainer writes its last checkpoint", file=stream, flush=True)


def test_the_wilson_interval_is_that_of_the_textbook() -> None:
    assert np.allclose(wilson_interval(16, 20), (0.5840, 0.9193), atol=1e-4)
    assert wilson_interval(20, 20)[1] == pytest.approx(1.0) and wilson_interval(20, 20)[0] > 0.83


class Stuck(PointEnv):
    """Fails as code of anybody may."""

    def __init__(self, where: str, episodes: int = 0) -> None:
        if where == "constructor":
            raise KeyError("model.xml")
        super().__init__()
        self._where, self._good = where, episodes

    def reset(self, **arguments):
        self._good -= 1
        if self._where == "reset" and self._good < 0:
            raise RuntimeError("the drawer is stuck")
        return (*super().reset(**arguments), *([0] if self._where == "length" else []))

    def step(self, action):
        if self._where == "step" and self._good < 0 and self._step == 9:
            raise RuntimeError("the motor is hot")
        return super().step(action)


gymnasium.register("mentor-test/stuck-v0", entry_point=Stuck)


@pytest.mark.parametrize(
    ("where", "message", "saved"),
    [
        ("reset", "reset raised RuntimeError: the drawer is stuck (test_command_line.py, line", 60),
        ("step", "step raised RuntimeError: the motor is hot (test_command_line.py, line", 69),
        ("length", "reset returned 3 values; gymnasium's has 2", 0),
        ("constructor", "making it raised KeyError: 'model.xml'", None),
    ],
)
def test_an_environment_that_raises_ends_the_run_in_one_line_and_keeps_what_was_learned(
    tmp_path: Path, capsys, where: str, message: str, saved: int | None
) -> None:
    command = ["train", "--env", "mentor-test/stuck-v0", "--preset", "robot", *TINY]
    run = tmp_path / "run"
    options = ["train.eval_every_frames=0", f"env.where={where}", "env.episodes=3"]
    assert main([*command, *options, "--run-dir", str(run)]) == 2
    said = capsys.readouterr().err
    assert f"error: environment 'mentor-test/stuck-v0': {message}" in said
    assert "Traceback" not in said
    names = [int(folder.name) for folder in folders(run / "checkpoints")]
    assert (names[-1] if names else None) == saved


def test_training_over_topics_without_a_cell_says_so_in_one_line(tmp_path: Path, capsys) -> None:
    over_topics = ["--env", "mentor/ros-v0", "env.namespace=/nobody", "env.connect_timeout=0.5"]
    assert main(["train", *over_topics, "--run-dir", str(tmp_path / "run")]) == 2
    assert "error: waited 0.5 s: nobody serves /nobody/describe" in capsys.readouterr().err
