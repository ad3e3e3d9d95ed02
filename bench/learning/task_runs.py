"""The trainings on the robot's tasks: each is one command, and a folder that knows how it ended."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainings import evaluations, is_over

from mentor_common.files.atomic import write_atomically
from mentor_policy.config.load import preset_differences

AGENTS = ("mentor", "mentor_wo_moe", "mentor_wo_tp", "drm")
BLIND = ("blank", "first")
SAME = (
    "train.frames",
    "train.eval_every_frames",
    "train.checkpoint_every_frames",
    "train.replay_capacity",
)
"""Settings in which presets differ and that change nothing of what is learned: every replay buffer
holds more than a run's steps."""
EPISODE_SEED = 45_000_000
"""Seed of the first episode of the final evaluations, the same for every run."""


@dataclass(frozen=True)
class Cell:
    """A task as it is trained in process.

    Args:
        sensors: environment whose rewards come from sensors; the true one where there is none.
        true: environment of the ground truth.
        preset: preset of the training.
        steps: steps of a run.
        wanted: success that is drawn as a line.
        seeds: seeds of the reported runs; none was used to choose anything.
        disturbances: disturbances of the final evaluations.
    """

    sensors: str
    true: str
    preset: str
    steps: int
    wanted: float
    seeds: tuple[int, int, int]
    disturbances: tuple[str, ...]


CELLS = {
    "cable_routing": Cell(
        "mentor/cable_routing_classified-v0",
        "mentor/cable_routing-v0",
        "cable_routing",
        7200,
        0.8,
        (310, 311, 312),
        ("cable_pulled_out", "arm_pushed", "camera_bumped", "unseen_visuals", "stiff_cable"),
    ),
    "peg_insertion": Cell(
        "mentor/peg_insertion_sensors-v0",
        "mentor/peg_insertion-v0",
        "peg_insertion",
        10_000,
        0.9,
        (304, 305, 306),
        ("arm_pushed", "board_moved", "camera_bumped", "unseen_visuals"),
    ),
    "tabletop_golf": Cell(
        "mentor/tabletop_golf_sensors-v0",
        "mentor/tabletop_golf-v0",
        "tabletop_golf",
        7400,
        0.7,
        (304, 305, 306),
        ("arm_pushed", "camera_bumped", "unseen_visuals"),
    ),
}


@dataclass(frozen=True)
class Run:
    """One training.

    Args:
        cell: where it is trained.
        name: name of its group, in tables and figures.
        agent: agent that is trained.
        seed: seed of the run.
        folder: folder of the run.
        images: images that the policy sees: all, blank or first.
        preset: preset of the training; empty: the cell's.
        settings: key=value, besides the preset.
    """

    cell: Cell
    name: str
    agent: str
    seed: int
    folder: Path
    images: str = "all"
    preset: str = ""
    settings: tuple[str, ...] = ()

    def command(self, steps: int, overrides: list[str]) -> list[str]:
        """Return what a person would type."""
        environment = ["--env", self.cell.sensors]
        if self.cell.sensors != self.cell.true:
            environment += ["--evaluate-in", self.cell.true]
        settings = [f"train.frames={steps}", f"train.seed={self.seed}", "train.threads=1"]
        if self.images != "all":
            environment = ["--env", self.cell.true]
            settings.append(f"env.images={self.images}")
        preset = self.preset or self.cell.preset
        return [
            *("python", "-m", "mentor_policy", "train", *environment),
            *("--agent", self.agent, "--preset", preset, "--run-dir", str(self.folder)),
            *(*settings, "train.eval_episodes=20", "train.video=false"),
            *(*self.settings, *overrides),
        ]

    @property
    def is_over(self) -> bool:
        """Whether the run has reached its end."""
        return is_over(self.folder)

    def evaluate(self, disturbance: str, episodes: int) -> dict[str, Any]:
        """Return the outcome of the final policy; from the folder, if it is there already."""
        file = self.folder / f"final_{disturbance}_{episodes}.json"
        if not file.exists():
            command = [
                *(sys.executable, "-m", "mentor_policy", "evaluate", str(self.folder)),
                f"env.images={self.images}",
                *([] if disturbance == "none" else [f"env.disturbance={disturbance}"]),
                *("--env", self.cell.true, "--episodes", str(episodes)),
                *("--seed", str(EPISODE_SEED), "--json"),
            ]
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            done = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=True)
            write_atomically(file, done.stdout)
        outcome: dict[str, Any] = json.loads(file.read_text())
        return outcome

    def evaluations(self) -> dict[str, list[float]]:
        """Return what its evaluations gave, by column; empty while there is none."""
        return evaluations(self.folder)


def runs_of(cell: Cell, options: argparse.Namespace) -> list[Run]:
    """Return all runs that the options ask for, in the order in which they are made."""
    folder: Path = options.folder or Path("runs") / f"bench_{options.task}"
    if options.presets:
        wanted: list[tuple[str, str, tuple[str, ...]]]
        wanted = [("as it is", "", ()), ("robot", "robot", ())]
        for key, value in preset_differences(cell.preset, "robot").items():
            if key not in SAME:
                wanted.append((f"{key}={value}", "", (f"{key}={value}",)))
        return [
            Run(
                cell, name, "mentor", cell.seeds[0], folder / f"preset-{n}", "all", preset, settings
            )
            for n, (name, preset, settings) in enumerate(wanted)
        ]
    runs = [Run(cell, a, a, s, folder / f"{a}-{s}") for s in cell.seeds for a in options.agents]
    if not options.no_blind:
        first = cell.seeds[0]
        for images in BLIND:
            name = f"mentor, images: {images}"
            runs.append(
                Run(cell, name, "mentor", first, folder / f"mentor-{images}-{first}", images)
            )
    return runs
