"""Evaluations: success by task, and `mode:=eval` in a cell that cannot begin an episode."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from point_env import PointEnv
from small_runs import trainer_of

from mentor_common.env.ros_requests import EnvironmentLost
from mentor_policy.nodes.evaluation_run import evaluate_checkpoint, load
from mentor_policy.training import backoff
from mentor_policy.training.checkpoint import read_checkpoint
from mentor_policy.training.evaluation import evaluate


class Unable(EnvironmentLost):
    answered = True


class Cell(PointEnv):
    source = "by the reward's own flag"

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures, self.resets = failures, 0

    def reset(self, **arguments: Any) -> Any:
        self.resets += 1
        if self.resets <= self.failures:
            raise Unable("the cable is gone")
        return super().reset(**arguments)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluated") / "run"
    trainer, run = trainer_of(folder, "train.learn=false", "train.eval_every_frames=0")
    trainer.train()
    run.close()
    return folder


def node_for(folder: Path, seed: int = 0) -> Any:
    texts = {"checkpoint": str(folder), "device": "cpu"}
    numbers = {"threads": 0, "episodes": 2, "seed": seed}
    return SimpleNamespace(
        text=texts.get,
        integer=numbers.get,
        stopping=threading.Event(),
        get_logger=lambda: logging.getLogger("policy"),
    )


def test_resets_that_fail_are_tried_again(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(backoff, "PAUSES", (0.0,))
    node: Any = node_for(run_folder)
    cell: Any = Cell(failures=3)
    result = evaluate_checkpoint(node, cell, *load(node))
    assert len(result.returns) == 2
    assert caplog.text.count("the evaluation begins again: the cable is gone") == 3


def test_a_cell_whose_resets_always_fail_is_given_up_with_the_reason(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "PAUSES", (0.0,))
    node: Any = node_for(run_folder)
    cell: Any = Cell(failures=1000)
    with pytest.raises(backoff.GivenUpError, match=r"20 failures in a row.* the cable is gone"):
        evaluate_checkpoint(node, cell, *load(node))
    assert cell.resets == backoff.ANSWERS


@pytest.mark.parametrize(
    ("seed", "logged"),
    [
        (0, "2 episodes of seed 1000000, the one that seed:=0 stands for"),
        (7, "2 episodes of seed 7\n"),
    ],
)
def test_the_seed_that_is_used_is_logged(
    run_folder: Path, caplog: pytest.LogCaptureFixture, seed: int, logged: str
) -> None:
    cell: Any = Cell(failures=0)
    with caplog.at_level(logging.INFO, "policy"):
        result = evaluate_checkpoint(node := node_for(run_folder, seed), cell, *load(node))
    assert logged in caplog.text
    agent = read_checkpoint(run_folder).agent("cpu")
    again = evaluate(agent, PointEnv(), 2, seed=seed or 1_000_000, step=0)
    assert result.returns == again.returns


class TwoTasks(PointEnv):
    """Its task is the seed modulo two, and the second one always succeeds."""

    def reset(self, *, seed: int | None = None, **others: Any) -> Any:
        self._task = (seed or 0) % 2
        return super().reset(seed=seed, **others)

    def step(self, action: Any) -> Any:
        *before, _ = super().step(action)
        return *before, {"success": bool(self._task), "task": f"points/{self._task}"}


def test_success_is_reported_by_task_and_each_task_has_equally_many_episodes(
    run_folder: Path,
) -> None:
    agent = read_checkpoint(run_folder).agent("cpu")
    result = evaluate(agent, TwoTasks(), 4, seed=7, step=0)
    assert result.success_by_task == {"points/0": (0, 2), "points/1": (2, 2)}
    assert evaluate(agent, PointEnv(), 1, seed=7, step=0).success_by_task == {}
