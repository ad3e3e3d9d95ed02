"""What a run logs: curves by the names on the page, and to Weights & Biases if it is asked to."""

from __future__ import annotations

import logging
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from small_agents import small_agent, small_batch

from mentor_policy.training.evaluation import Evaluation
from mentor_policy.training.run_log import EPISODE_COLUMNS, EVALUATION_COLUMNS, RunLog

PAGE = Path(__file__).parents[3] / "docs" / "agents.md"
PERTURBED = ("agent.perturb_frames=1", "agent.dormant_every=1")
AGENTS = {
    "mentor": PERTURBED, "drm": PERTURBED, "drqv2": (), "alix": (), "taco": ("train.n_step=3",),
}  # fmt: skip


def names_on_the_page() -> set[str]:
    """Return the names in the first column of the table of curves; `a/<n>` stands for a number."""
    section = PAGE.read_text().partition("\n## Curves\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def names_of(agent_name: str) -> set[str]:
    """Return the names of the statistics that an agent returns, those of a skip included."""
    agent = small_agent(agent_name, *AGENTS[agent_name])
    statistics = agent.update(small_batch(), step=20)
    names = {f"{name}/<n>" if value.ndim else name for name, value in statistics.items()}
    for episode_return in (0.0, 1.0):
        names |= set(agent.end_episode(episode_return, 100 + int(episode_return)))
    return names


def test_the_page_has_exactly_the_names_that_runs_log() -> None:
    logged = {name for agent in AGENTS for name in names_of(agent)}
    logged |= {f"train/{name}" for name in EPISODE_COLUMNS}
    logged |= {f"eval/{name}" for name in EVALUATION_COLUMNS}
    assert names_on_the_page() == logged | {"perturb/skipped"}  # for an empty S_top


class Board(ModuleType):
    """Weights & Biases as far as a run uses it."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.begun: list[dict[str, Any]] = []
        self.logged: list[tuple[int, dict[str, float]]] = []

    def init(self, **settings: Any) -> Board:
        self.begun.append(settings)
        return self

    def log(self, values: dict[str, float], step: int) -> None:
        self.logged.append((step, values))

    def finish(self) -> None:
        self.logged.append((-1, {}))


def write(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    log = RunLog(folder, None, {"preset": "dmc"})
    log.losses(5, {"actor/loss": torch.tensor(0.5), "router/usage": torch.tensor([0.25, 0.75])})
    log.evaluation(6, 12, Evaluation((1.0, 3.0), (True, False)), 2.0)
    log.close()


def test_weights_and_biases_gets_the_curves_where_a_project_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = Board()
    monkeypatch.setitem(sys.modules, "wandb", board)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "wandb" or None)
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    write(tmp_path / "unasked")
    assert board.begun == []
    monkeypatch.setenv("WANDB_PROJECT", "cells")
    write(tmp_path / "asked")
    (begun,) = board.begun
    assert (begun["project"], begun["name"]) == ("cells", "asked")
    assert begun["config"] == {"preset": "dmc"}
    (step, losses), (_, evaluation), (end, _) = board.logged
    assert step == 5
    assert losses == {"actor/loss": 0.5, "router/usage/0": 0.25, "router/usage/1": 0.75}
    assert (evaluation["eval/return_mean"], evaluation["eval/success"], end) == (2.0, 0.5, -1)


def test_that_nothing_is_sent_without_the_package_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("WANDB_PROJECT", "cells")
    with caplog.at_level(logging.WARNING):
        write(tmp_path)
    assert "wandb is not installed: nothing is sent" in caplog.text
