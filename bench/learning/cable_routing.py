"""Trains the agents of docs/results/cable_routing.md on the cable cell, evaluates and draws them.

Every run is one command of its own, printed before it begins, in a folder that is resumed if the
script was interrupted; what is done is not done again. Final policies are evaluated in episodes
that are the same for all runs, undisturbed and with each disturbance. Rewards come from the slot
classifiers, success from the true state. Blind runs train on the true reward, which can only
help them: with black images, and with the first observation of an episode for ever.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from trainings import draw_mean, evaluations, train

SENSORS, TRUE = "mentor/cable_routing_classified-v0", "mentor/cable_routing-v0"
AGENTS = ("mentor", "mentor_wo_moe", "mentor_wo_tp", "drm")
SEEDS = (101, 102, 103)
"""Of the reported runs; none was used to choose anything."""
BLIND = ("blank", "first")
EPISODE_SEED = 45_000_000
"""Of the final evaluation's episodes, the same for every run."""
DISTURBANCES = (
    "none",
    "cable_pulled_out",
    "arm_pushed",
    "camera_bumped",
    "unseen_visuals",
    "stiff_cable",
)
WANTED = 0.8


@dataclass(frozen=True)
class Run:
    """One training: an agent, its seed, and what of the images it sees."""

    agent: str
    seed: int
    images: str
    folder: Path

    @property
    def name(self) -> str:
        """What tables and figures call its group."""
        return self.agent if self.images == "all" else f"{self.agent}, images: {self.images}"

    def command(self, steps: int, overrides: list[str]) -> list[str]:
        """Return what a person would type."""
        environment = ["--env", SENSORS, "--evaluate-in", TRUE]
        settings = [f"train.frames={steps}", f"train.seed={self.seed}", "train.threads=1"]
        if self.images != "all":
            environment = ["--env", TRUE]
            settings.append(f"env.images={self.images}")
        return [
            *("python", "-m", "mentor_policy", "train", *environment),
            *("--agent", self.agent, "--preset", "cable_routing", "--run-dir", str(self.folder)),
            *(*settings, "train.eval_episodes=20", "train.video=false", *overrides),
        ]

    def evaluate(self, disturbance: str, episodes: int) -> dict[str, Any]:
        """Return the outcome of the final policy; from the folder, if it is there already."""
        file = self.folder / f"final_{disturbance}_{episodes}.json"
        if not file.exists():
            command = [
                *(sys.executable, "-m", "mentor_policy", "evaluate", str(self.folder)),
                *(f"env.disturbance={disturbance}", f"env.images={self.images}"),
                *("--env", TRUE, "--episodes", str(episodes), "--seed", str(EPISODE_SEED)),
                "--json",
            ]
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            done = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=True)
            part = file.with_suffix(".part")
            part.write_bytes(done.stdout)
            part.replace(file)
        outcome: dict[str, Any] = json.loads(file.read_text())
        return outcome

    def evaluations(self) -> dict[str, list[float]]:
        """Return what its evaluations gave, by column; empty while there is none."""
        return evaluations(self.folder)


def first_and_lasting(
    steps: Sequence[float], success: Sequence[float], wanted: float
) -> tuple[int | None, int | None]:
    """Return the step of the first evaluation of `wanted` at least, and from which on all are."""
    first = lasting = None
    for step, value in zip(steps, success, strict=True):
        if value >= wanted:
            first, lasting = first or int(step), lasting or int(step)
        else:
            lasting = None
    return first, lasting


def bootstrap(outcomes: Iterable[Sequence[float]], draws: int = 2000) -> tuple[float, float]:
    """Return the 95 % interval of the mean over runs, by a bootstrap that draws within each run.

    Args:
        outcomes: for each run, what its episodes gave.
        draws: of the bootstrap.
    """
    random, runs = np.random.default_rng(0), [np.asarray(each, float) for each in outcomes]
    means = []
    for _ in range(draws):
        chosen = random.integers(len(runs), size=len(runs))
        means.append(np.mean([random.choice(runs[i], len(runs[i])).mean() for i in chosen]))
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def report(runs: list[Run], episodes: int, data: Path) -> None:
    """Evaluate what has ended; write the tables, and print them as Markdown."""
    curves, finals = [], []
    ended = [run for run in runs if (run.folder / "summary.json").exists()]
    for run in runs:
        seen = run.evaluations()
        for step, success in zip(seen.get("step", []), seen.get("success", []), strict=True):
            curves.append((run.name, run.seed, int(step), success))
    write_csv(data / "cable_routing_curves.csv", ("agent", "seed", "step", "success"), curves)
    for disturbance in DISTURBANCES:
        for run in ended:
            share = run.evaluate(disturbance, episodes)["success"]
            finals.append((run.name, run.seed, disturbance, round(share * episodes), episodes))
    header = ("agent", "seed", "disturbance", "successes", "episodes")
    write_csv(data / "cable_routing_final.csv", header, finals)
    print("| agent | disturbance | runs | success | 95 % interval |\n|---|---|---|---|---|")
    for name in dict.fromkeys(run.name for run in ended):
        for disturbance in DISTURBANCES:
            found = [row[3] for row in finals if (row[0], row[2]) == (name, disturbance)]
            low, high = bootstrap([1.0] * n + [0.0] * (episodes - n) for n in found)
            mean = np.mean(found) / episodes
            print(
                f"| {name} | {disturbance} | {len(found)} | {mean:.2f} | {low:.2f} to {high:.2f} |"
            )
    print("| agent | seed | first at 0.8 | lasting from |\n|---|---|---|---|")
    for run in ended:
        seen = run.evaluations()
        first, lasting = first_and_lasting(seen["step"], seen["success"], WANTED)
        print(f"| {run.name} | {run.seed} | {first or 'never'} | {lasting or 'never'} |")
    found = [r[3] / episodes for r in finals if (r[0], r[2]) == ("mentor", "none")]
    if found:
        line = {"name": "cable_routing/success", "value": float(np.mean(found)), "unit": "share"}
        print(json.dumps({**line, "ratio": None, "against": None}))


def draw(runs: list[Run], path: Path) -> None:
    """Draw success by the true state over the steps, the mean of a group's seeds in bold."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for number, name in enumerate(dict.fromkeys(run.name for run in runs)):
        curves = [seen for r in runs if r.name == name and (seen := r.evaluations())]
        draw_mean(axes, number, name, curves, "success")
    axes.axhline(WANTED, color="0.6", lw=0.8, ls="--")
    axes.set(xlabel="environment steps", ylabel="success of 20 episodes", ylim=(-0.03, 1.03))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="upper left")
    figure.savefig(path, dpi=110)


def main() -> None:
    """Train what is not trained yet, then evaluate, tell and draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("runs/bench_cable"))
    parser.add_argument("--steps", type=int, default=7200)
    parser.add_argument("--episodes", type=int, default=20, help="of each final evaluation")
    parser.add_argument("--parallel", type=int, default=1, help="runs at a time, a core each")
    parser.add_argument("--agents", nargs="*", choices=AGENTS, default=list(AGENTS))
    parser.add_argument("--no-blind", action="store_true", help="leave out the blind runs")
    parser.add_argument("--data", type=Path, default=Path("docs/results/data"))
    parser.add_argument("--report-only", action="store_true", help="train nothing")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="of every run")
    options = parser.parse_args()
    folder: Path = options.folder
    runs = [Run(a, s, "all", folder / f"{a}-{s}") for s in SEEDS for a in options.agents]
    if not options.no_blind:
        runs += [Run("mentor", SEEDS[0], i, folder / f"mentor-{i}-{SEEDS[0]}") for i in BLIND]

    def train_one(run: Run) -> None:
        if not (run.folder / "summary.json").exists():
            train(run.command(options.steps, options.overrides), run.folder, 1)

    if not options.report_only:
        with ThreadPoolExecutor(options.parallel) as pool:
            list(pool.map(train_one, runs))
    report(runs, options.episodes, options.data)
    draw(runs, folder / "cable_routing.png")


if __name__ == "__main__":
    main()
