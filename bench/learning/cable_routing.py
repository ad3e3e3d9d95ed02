"""Trains the agents of docs/results/cable_routing.md on the cable cell, and draws what came of it.

Every run is one command of its own, printed before it begins, in a folder that is resumed if the
script was interrupted. Rewards come from the slot classifiers, success from the true state. With
``--parallel 2`` two runs share two cores, a core each, at 1.7 to 2 steps/s.
"""

from __future__ import annotations

import argparse
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from trainings import draw_mean, evaluations, train

SEEN, TRUE = "mentor/cable_routing_classified-v0", "mentor/cable_routing-v0"
SEEDS = {"mentor": (0, 1, 2), "mentor_wo_moe": (0,), "mentor_wo_tp": (0,), "drm": (0,)}
WANTED = (0.8, 0.9)


@dataclass(frozen=True)
class Run:
    """One training."""

    agent: str
    seed: int
    folder: Path

    def command(self, reward: str, steps: int, threads: int, overrides: list[str]) -> list[str]:
        """What a person would type."""
        settings = [f"train.frames={steps}", f"train.seed={self.seed}", f"train.threads={threads}"]
        return [
            *("python", "-m", "mentor_policy", "train"),
            *("--env", SEEN if reward == "classified" else TRUE, "--evaluate-in", TRUE),
            *("--agent", self.agent, "--preset", "cable_routing", "--run-dir", str(self.folder)),
            *settings,
            *("train.eval_episodes=20", "train.video=false"),
            *overrides,
        ]

    def evaluations(self) -> dict[str, list[float]]:
        """What its evaluations gave, by column; empty while there is none."""
        return evaluations(self.folder)


def first_held(steps: list[float], success: list[float], wanted: float) -> int | None:
    """The evaluation from which on success stays at least ``wanted``."""
    held = None
    for step, value in zip(steps, success, strict=True):
        held = (held or int(step)) if value >= wanted else None
    return held


def table(runs: list[Run]) -> str:
    """What each run reached, as Markdown; minutes are those since its last start."""
    lines = [
        "| agent | seed | steps | success at the end | best | first at 0.8 | held from | minutes |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        seen = run.evaluations()
        if not seen:
            continue
        steps, success = seen["step"], seen["success"]
        first = next((int(s) for s, v in zip(steps, success, strict=True) if v >= WANTED[0]), None)
        cells = [
            run.agent,
            run.seed,
            int(steps[-1]),
            f"{success[-1]:.2f}",
            f"{max(success):.2f}",
            first or "never",
            first_held(steps, success, WANTED[0]) or "never",
            f"{seen['seconds'][-1] / 60:.0f}",
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def draw(runs: list[Run], path: Path) -> None:
    """Success by the true state over the steps, the mean of an agent's seeds in bold."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for number, agent in enumerate(dict.fromkeys(run.agent for run in runs)):
        curves = [seen for r in runs if r.agent == agent and (seen := r.evaluations())]
        draw_mean(axes, number, agent, curves, "success")
    for level in WANTED:
        axes.axhline(level, color="0.6", lw=0.8, ls="--")
    axes.set(xlabel="environment steps", ylabel="success of 20 episodes", ylim=(-0.03, 1.03))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="upper left")
    figure.savefig(path, dpi=110)


def main() -> None:
    """Train what is not trained yet, then say and draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("runs/bench_cable"))
    parser.add_argument("--steps", type=int, default=4800)
    parser.add_argument("--reward", choices=("classified", "truth"), default="classified")
    parser.add_argument("--parallel", type=int, default=1, help="runs at a time")
    parser.add_argument("--agents", nargs="*", choices=SEEDS, default=list(SEEDS))
    parser.add_argument("--picture", type=Path, default=Path("runs/bench_cable/cable_routing.png"))
    parser.add_argument("--draw-only", action="store_true", help="train nothing")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="of every run")
    options = parser.parse_args()
    runs = [
        Run(agent, seed, options.folder / f"{agent}-{seed}")
        for agent in options.agents
        for seed in SEEDS[agent]
    ]
    threads = max(1, (os.cpu_count() or 1) // options.parallel)

    def train_one(run: Run) -> None:
        command = run.command(options.reward, options.steps, threads, options.overrides)
        train(command, run.folder, threads)

    if not options.draw_only:
        with ThreadPoolExecutor(options.parallel) as pool:
            list(pool.map(train_one, runs))
    print(table(runs))
    draw(runs, options.picture)
    mentor = [
        seen["success"][-1] for r in runs if r.agent == "mentor" and (seen := r.evaluations())
    ]
    if mentor:
        line = {"name": "cable_routing/success", "value": float(np.mean(mentor)), "unit": "share"}
        print(json.dumps({**line, "ratio": None, "against": None}))


if __name__ == "__main__":
    main()
