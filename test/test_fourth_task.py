"""A task in a package of its own trains through the launch parts and nodes, none of which knows it.

The package `toy_task` beside this file brings a task file, a preset, a launch file, and the three
plug-ins.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from mentor_common.tasks import plugins
from mentor_common.tasks.plugins import REWARDS
from mentor_common.tasks.task import load_task
from mentor_policy.replay import ReplayRing
from mentor_policy.replay.records import CONTEXT
from mentor_recorder.monitor.task_view import task_view

HERE = Path(__file__).parent
STEPS = 200
SMALL = (
    "agent.hidden_dim=32 agent.feature_dim=16 agent.expert_dim=16 agent.experts=4 agent.top_k=2 "
    "agent.precision=float32 train.update_every=4 train.replay_capacity=2000 train.eval_episodes=1 "
    "train.eval_every_frames=0 train.video=false"
)


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment in which the package is installed, as an overlay of the workspace."""
    prefix = tmp_path_factory.mktemp("overlay")
    source = prefix / "source"
    subprocess.run(["cp", "-r", HERE / "toy_task", source], check=True)
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target"]
    command = [sys.executable, "-m", "pip", "install", *options, prefix / "lib", source]
    subprocess.run(command, check=True, timeout=120)
    environment = dict(os.environ, ROS_HOME=str(prefix / "ros"))
    for name, folder in (("PYTHONPATH", "lib"), ("AMENT_PREFIX_PATH", "lib")):
        environment[name] = os.pathsep.join([str(prefix / folder), os.environ.get(name, "")])
    return environment


@pytest.fixture(scope="module")
def run(overlay: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a training of 200 steps."""
    folder = tmp_path_factory.mktemp("training")
    runner = [sys.executable, "-m", "mentor_bringup.runner", "toy_task", "toy_reach.launch.py"]
    arguments = [f"max_steps:={STEPS}", "run_dir:=run", "synchronous:=true", f"overrides:={SMALL}"]
    done = subprocess.run(
        [*runner, *arguments], cwd=folder, env=overlay, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is cut off" not in done.stdout + done.stderr
    return folder / "run"


def test_it_trains_for_its_steps_and_learns_from_each(run: Path) -> None:
    with (run / "train.csv").open() as stream:
        episodes = list(csv.DictReader(stream))
    assert [int(episode["length"]) for episode in episodes] == [10] * (STEPS // 10)
    summary = json.loads((run / "summary.json").read_text())
    assert summary["complete"] and summary["step"] == STEPS
    # One for every fourth step from step 40 on, each with a batch of what was stored until then.
    assert summary["updates"] == (STEPS - 40) // 4 + 1


def test_it_trains_with_the_preset_that_it_brings(run: Path) -> None:
    config = json.loads((run / "config.json").read_text())["config"]
    assert (config["preset"], config["train"]["batch_size"]) == ("toy_reach", 4)
    assert config["train"]["frames"] == STEPS and config["train"]["action_repeat"] == 1


def test_its_replay_holds_what_its_reward_pays_for_what_its_twin_draws(run: Path) -> None:
    """The pictures show where point and spot were; the reward is what ToyReward makes of that."""
    ring = ReplayRing(run / "replay", writable=False)
    records = ring.records[: ring.count]
    steps = [
        n for n in range(ring.count) if records["step"][n] and not records["flags"][n] & CONTEXT
    ]
    assert len(steps) == STEPS
    errors, spots = [], set()
    for number in steps:
        newest = ring.observation(number)[-3:].astype(int)  # (3, 84, 84), of the last frame
        white, red = newest.min(axis=0) > 200, (newest[0] > 150) & (newest[1:].max(axis=0) < 120)
        if white.sum() < 9 or red.sum() < 9:
            continue  # the spot covers the point
        distance = float(np.linalg.norm(place(white) - place(red)))
        paid = -distance - 0.1 * float(np.abs(records["action"][number]).mean())
        errors.append(abs(paid - float(records["reward"][number])))
        spots.add(tuple(np.round(place(red), 1)))
    assert_logged(run, records)
    assert len(errors) > STEPS // 2 and max(errors) < 0.08, max(errors)
    assert len(spots) > STEPS // 20  # another spot in each episode


def assert_logged(run: Path, records: np.ndarray) -> None:
    """Each episode's return in the log is the sum of the rewards that its steps were paid."""
    with (run / "train.csv").open() as stream:
        logged = [float(episode["episode_return"]) for episode in csv.DictReader(stream)]
    numbers = dict.fromkeys(records["episode"].tolist())
    paid = [float(records["reward"][records["episode"] == number].sum()) for number in numbers]
    assert logged == pytest.approx(paid, abs=1e-3)


def place(mask: np.ndarray) -> np.ndarray:
    """Return the middle (x, y) of a mask (84, 84) of the table, normalised as the twin draws it."""
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean(), rows.mean()]) / (len(mask) - 1) * 3.0 - 1.5


def test_its_routine_counted_every_episode_through_its_saved_state(
    run: Path, overlay: dict[str, str]
) -> None:
    (saved,) = Path(overlay["ROS_HOME"]).rglob("*toy_reach_reset.json")
    assert json.loads(saved.read_text())["episodes"] >= STEPS // 10


def test_the_page_shows_its_states_by_the_names_that_its_reward_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package = HERE / "toy_task"
    monkeypatch.syspath_prepend(package)
    installed = [EntryPoint("toy_reach", "toy_task.reward:ToyReward", REWARDS)]
    monkeypatch.setattr(plugins, "entry_points", lambda group: installed)
    view = task_view(load_task(package / "tasks" / "toy_reach.yaml"))
    assert view["classes"] == {"place": ("away", "at the spot")}


def test_nothing_of_the_stack_knows_its_name() -> None:
    """Neither that of the task nor those of its package and its plug-ins, in any file."""
    root = HERE.parent
    names = re.compile(rb"toy_?(task|reach|reward|reset|twin)", re.IGNORECASE)
    files = [p for folder in ("src", "launch") for p in (root / folder).rglob("*") if p.is_file()]
    known = [p for p in files if p.suffix != ".pyc" and names.search(p.read_bytes())]
    assert known == [] and len(files) > 500
