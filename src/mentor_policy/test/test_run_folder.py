"""A run folder: gone on with where it fits, refused by name where not, left alone when complete."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from point_env import PointEnv
from small_runs import COMMAND, ENVIRONMENT, TINY, trainer_of

from mentor_policy.__main__ import main
from mentor_policy.agents import pixel_agent
from mentor_policy.config import load_config
from mentor_policy.training.checkpoint import CheckpointError
from mentor_policy.training.checkpoint_folders import folders
from mentor_policy.training.csv_log import read_csv
from mentor_policy.training.environment import shape_of
from mentor_policy.training.run_folder import RunFolder, RunFolderError


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder of a complete run, and the summary that its training returned."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    trainer, run = trainer_of(folder)
    summary = trainer.train()
    run.close()
    return folder, summary


@pytest.fixture
def folder(complete: tuple[Path, dict[str, Any]], tmp_path: Path) -> Path:
    """A copy of its folder."""
    return shutil.copytree(complete[0], tmp_path / "run")


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


def test_a_run_goes_on_only_with_the_reset_options_that_it_was_made_with(tmp_path: Path) -> None:
    def open_folder(name: str, **environment: Any) -> dict[str, Any]:
        config = load_config("mentor", "robot", TINY)
        path = tmp_path / name
        run = RunFolder(path, config, {**ENVIRONMENT, **environment}, shape_of(PointEnv()))
        run.write_config()
        run.close()
        kept: dict[str, Any] = json.loads((path / "config.json").read_text())["environment"]
        assert run.environment == kept
        return kept

    star, every = {"reset_options": {"peg": "star"}}, {"reset_options": {"peg": "all"}}
    assert open_folder("run", **star) == open_folder("run", **star) == {**ENVIRONMENT, **star}
    peg = r"environment\.reset_options\.peg is 'star' there and 'all' here"
    with pytest.raises(RunFolderError, match=f"belongs to another run: {peg}"):
        open_folder("run", **every)
    assert open_folder("older") == open_folder("older", **every) == ENVIRONMENT


def test_a_run_of_the_first_version_is_refused_by_name_and_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The files in `first_run` are what `train` wrote on the project's first day (6eb90a2)."""
    folder = shutil.copytree(Path(__file__).parent / "first_run", tmp_path / "run")
    (folder / ".lock").touch()
    before = content_of(folder)
    other_version = r"older version of this program: its layout has \[.*'sliding'.*here it has .*"
    for command, words in (
        (COMMAND, r"another version of this program: .*layout\.sliding is True there.*Resume it "
         "with that version, or choose another run_dir"),
        (["evaluate", str(folder)], other_version + "Use it with that version, or train anew"),
        (["info", str(folder)], other_version + "Use it with that version, or train anew"),
        (["bag-from-ring", str(folder / "replay"), str(tmp_path / "bag")],
         other_version + "Read it with that version, or use another folder"),
    ):  # fmt: skip
        options = ["--run-dir", str(folder)] if command is COMMAND else []
        assert main([*command, *options]) == 2
        error = capsys.readouterr().err
        assert re.search(words, error) and error.count("\n") == 1, error
    assert content_of(folder) == before


def test_a_run_of_an_older_order_of_updates_is_refused_and_no_checkpoint_of_it_is_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(pixel_agent, "UPDATE_ORDER", 1)
        trainer, run = trainer_of(tmp_path / "run", "train.eval_every_frames=0")
        trainer.train()
        run.close()
    assert len(folders(run.checkpoints)) == 2
    before = (run.path / "config.json").read_bytes()
    with pytest.raises(CheckpointError, match=r"update_order is 1.*Train anew") as refused:
        trainer_of(tmp_path / "run", "train.frames=120")
    assert (run.path / "config.json").read_bytes() == before
    assert "older checkpoint" not in str(refused.value)


def test_what_is_damaged_in_a_run_folder_is_refused_by_name_or_made_up_for(
    complete: tuple[Path, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*COMMAND, "train.frames=101", "--run-dir"]
    damages: dict[str, Callable[[Path], object]] = {
        "directory": lambda file: (file.unlink(), file.mkdir()),
        "bytes": lambda file: file.write_bytes(file.read_bytes() + b"\xff\xfe\x00\n"),
        "shape": lambda file: file.write_text(
            json.dumps({**json.loads(file.read_text()), "shape": "x"})
        ),
        "torn": lambda file: file.write_text(file.read_text() + "101,x,,,,,,,\r\n"),
    }
    for name, damage, text in (
        ("checkpoints/000000100/checkpoint.json", "directory", "it is no regular file"),
        ("config.json", "directory", "it is no regular file"),
        ("replay/ring.json", "directory", "it is no regular file"),
        ("replay/lock", "directory", "lock cannot be locked: Is a directory"),
        ("summary.json", "directory", "summary.json is a folder; move it away"),
        ("config.json", "shape", "config.json is damaged or of something else: shape is 'x'"),
        ("eval.csv", "directory", "eval.csv is damaged: .*; move it away"),
        ("train.csv", "bytes", "train.csv is damaged: .*; move it away"),
        ("eval.csv", "torn", ""),
    ):
        folder = tmp_path / name.replace("/", "_") / damage
        shutil.copytree(complete[0], folder)
        damages[damage](folder / name)
        assert main([*command, str(folder)]) == (2 if text else 0), name
        error = capsys.readouterr().err
        assert re.search(text, error), error
        assert not text or error.count("\n") == 1, error
    assert read_csv(folder / "eval.csv")["step"] == [0, 60, 100, 101]


def test_a_run_that_is_complete_is_left_as_it_is_to_the_byte(
    complete: tuple[Path, dict[str, Any]], folder: Path
) -> None:
    before = content_of(folder)
    config = load_config("mentor", "robot", TINY)
    run = RunFolder(folder, config, ENVIRONMENT, shape_of(PointEnv()))
    assert run.finished == json.loads(json.dumps(complete[1]))
    run.close()
    assert main([*COMMAND, "--run-dir", str(folder)]) == 0
    assert content_of(folder) == before


def content_of(folder: Path) -> dict[str, tuple[int, str]]:
    """Time of the last change and SHA-256 of every file."""
    return {
        str(path): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_fewer_steps_than_a_run_has_are_refused_and_more_are_noted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content_of(folder)
    assert main([*COMMAND, "train.frames=60", "--run-dir", str(folder)]) == 2
    assert "holds 100 steps already, asked for are 60" in capsys.readouterr().err
    assert content_of(folder) == before
    trainer, run = trainer_of(folder, "train.frames=120")
    assert trainer.train()["step"] == 120
    run.close()
    noted = json.loads((folder / "config.json").read_text())
    assert (noted["config"]["train"]["frames"], noted["earlier_frames"]) == (120, [100])
    trainer, run = trainer_of(folder, "train.frames=140")  # and killed before it has a checkpoint
    trainer.run.close()
    run.close()
    trainer, run = trainer_of(folder, "train.frames=140")
    assert trainer.train()["complete"] and trainer.run.steps == 140
    run.close()


def test_a_run_stopped_before_its_last_evaluation_makes_up_for_it(tmp_path: Path) -> None:
    trainer, run = trainer_of(tmp_path / "run")
    evaluate = trainer._evaluate

    def stopped() -> bool:
        trainer.stop = trainer.run.steps == 100
        return evaluate()

    trainer._evaluate = stopped
    trainer.train()
    run.close()
    trainer, run = trainer_of(tmp_path / "run")
    trainer.train()
    run.close()
    assert read_csv(tmp_path / "run" / "eval.csv")["step"][-1] == 100


def test_the_stop_of_a_run_writes_no_entry_of_s_top_that_is_there_already(
    tmp_path: Path,
) -> None:
    overrides = ("train.asynchronous=true", "train.checkpoint_every_frames=60")
    trainer, run = trainer_of(tmp_path / "run", *overrides)
    on_step = trainer._rollout.on_step

    def stopping(step):
        on_step(step)
        trainer.stop = trainer.run.steps == 75

    trainer._rollout.on_step = stopping
    trainer.train()
    run.close()
    kept = folders(tmp_path / "run" / "checkpoints")
    assert [folder.name for folder in kept] == ["000000060", "000000075"]
    before, after = (
        {path.name: path.stat().st_ino for path in folder.glob("top_performers*")}
        for folder in kept
    )
    assert len(before) == 3 and before == after
    assert [path.name for path in kept[0].parent.iterdir() if path not in kept] == []
