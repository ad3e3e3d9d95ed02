"""An agent in a package of its own trains through the launch parts and nodes, none of which knows
it. The package `toy_agent` beside this file brings its settings and its class."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
STEPS = 60
SMALL = (
    "agent.hidden_dim=32 agent.feature_dim=16 agent.precision=float32 agent.pooling=6 "
    "train.replay_capacity=2000 train.eval_episodes=1 train.eval_every_frames=0 train.video=false"
)
LAUNCH = [sys.executable, "-m", "mentor_bringup.runner", "toy_task", "toy_reach.launch.py"]
ACT = """
import sys
import numpy as np
from pathlib import Path
from mentor_policy.training.checkpoint import read_checkpoint
checkpoint = read_checkpoint(Path(sys.argv[1]))
agent = checkpoint.agent("cpu")
obs = np.zeros(checkpoint.shape.layout.shape, np.uint8)
print(type(agent).__name__, agent.act(obs, step=0, evaluate=True).tolist(), agent.encoder.pooling)
"""


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment in which the package is installed, beside that of a small task."""
    prefix = tmp_path_factory.mktemp("overlay")
    sources = [prefix / "sources" / name for name in ("toy_task", "toy_agent")]
    (prefix / "sources").mkdir()
    for source in sources:
        subprocess.run(["cp", "-r", HERE / source.name, source], check=True)
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target"]
    command = [sys.executable, "-m", "pip", "install", *options, prefix / "lib", *sources]
    subprocess.run(command, check=True, timeout=120)
    environment = dict(os.environ, ROS_HOME=str(prefix / "ros"))
    for name in ("PYTHONPATH", "AMENT_PREFIX_PATH"):
        environment[name] = os.pathsep.join([str(prefix / "lib"), os.environ.get(name, "")])
    return environment


def run(
    command: list[str], overlay: dict[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=overlay, capture_output=True, text=True, timeout=200
    )


@pytest.fixture(scope="module")
def trained(overlay: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a training of 60 steps."""
    folder = tmp_path_factory.mktemp("training")
    arguments = [f"max_steps:={STEPS}", "agent:=pooled", "run_dir:=run", "synchronous:=true"]
    done = run([*LAUNCH, *arguments, f"overrides:={SMALL}"], overlay, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "run"


def test_it_trains_with_its_own_settings_and_those_of_the_tasks_preset(trained: Path) -> None:
    with (trained / "train.csv").open() as stream:
        episodes = list(csv.DictReader(stream))
    assert [int(episode["length"]) for episode in episodes] == [10] * (STEPS // 10)
    settings = json.loads((trained / "config.json").read_text())["config"]["agent"]
    assert (settings["name"], settings["pooling"]) == ("pooled", 6)
    assert settings["explore_steps"] == 40  # the preset's
    summary = json.loads((trained / "summary.json").read_text())
    assert summary["complete"] and summary["updates"] > 0


def test_its_checkpoint_is_an_agent_of_its_class(trained: Path, overlay: dict[str, str]) -> None:
    done = run([sys.executable, "-c", ACT, str(trained)], overlay, trained)
    assert re.fullmatch(r"PooledAgent \[[-\d.e, ]+\] 6\n", done.stdout), done.stdout + done.stderr


def test_its_checkpoint_is_refused_where_the_package_is_not_installed(trained: Path) -> None:
    command = [sys.executable, "-m", "mentor_policy", "info", str(trained)]
    done = run(command, dict(os.environ), trained)
    assert done.returncode == 2
    assert "agent.name is 'pooled'; known: alix" in done.stderr and "install" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["agent:=poled"], r"agent 'poled' is not known; known: .*mentor, .*pooled"),
        (["agent:=pooled", "overrides:=agent.pooling=0"], r"agent.pooling is 0; it must be from 1"),
        (["agent:=pooled", "overrides:=agent.top_k=2"], r"agent.top_k is not a setting"),
    ],
)
def test_the_launch_refuses_what_is_wrong_before_any_node_is_started(
    overlay: dict[str, str], tmp_path: Path, arguments: list[str], reason: str
) -> None:
    done = run([*LAUNCH, *arguments, "run_dir:=run"], overlay, tmp_path)
    output = done.stdout + done.stderr
    assert done.returncode != 0 and re.search(reason, output), output
    assert "process started" not in output and not (tmp_path / "run").exists()


def test_nothing_of_the_stack_knows_its_name() -> None:
    """Neither that of the package nor those of its classes, in any file."""
    root = HERE.parent
    names = re.compile(rb"toy_?agent|pooled_?(agent|config|encoder)", re.IGNORECASE)
    files = [p for folder in ("src", "launch") for p in (root / folder).rglob("*") if p.is_file()]
    known = [p for p in files if p.suffix != ".pyc" and names.search(p.read_bytes())]
    assert known == [] and len(files) > 500
