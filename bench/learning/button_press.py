"""Trains the agents of docs/results/agents.md on Meta-World's button press, and draws the curves.

48 x 48 pixels, ten frames a step, 2000 steps: one run takes four to ten minutes on one core. The
stated score is a return of 600. Every run is one command, printed before it begins; a finished one
is not run again.
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

TASK, WANTED = "mentor/metaworld-button_press_topdown-v0", 600.0
REPEAT, STEPS = 10, 2000
RUN = (
    f"env.image_size=48 env.action_repeat={REPEAT} train.action_repeat={REPEAT} "
    f"train.frames={STEPS * REPEAT} train.seed_frames=5000 train.update_every=1 "
    "train.batch_size=64 train.discount=0.9 train.reward_scale=0.1 train.replay_capacity=20000 "
    "train.eval_every_frames=5000 train.eval_episodes=20 train.video=false"
).split()
LEARNER = [
    *("agent.hidden_dim=256", "agent.explore_steps=0", "agent.noise_correlation=0.8"),
    *("agent.stddev_steps=3000", "agent.learning_rate=3e-4", "agent.saturation_weight=0.01"),
    *("agent.shift_padding=2", "agent.soft_update_rate=0.02"),
]
PERTURBED = ["agent.perturb_frames=8000"]
EXPERTS = ["agent.experts=8", "agent.top_k=2", "agent.expert_dim=64"]


@dataclass(frozen=True)
class Group:
    """Runs that differ by their seed alone."""

    name: str
    agent: str
    settings: tuple[str, ...]
    seeds: int


def groups() -> list[Group]:
    """All that is compared."""
    drqv2 = [*LEARNER, "agent.precision=float32"]
    drm = [*drqv2, *PERTURBED]
    mentor = [*drm, *EXPERTS]
    half = [*LEARNER, "agent.precision=bfloat16", *PERTURBED, *EXPERTS]
    return [
        Group("mentor-float32", "mentor", tuple(mentor), 3),
        Group("mentor-bfloat16", "mentor", tuple(half), 3),
        Group("drm-float32", "drm", tuple(drm), 1),
        Group("drqv2-float32", "drqv2", tuple(drqv2), 1),
        Group("mentor-unlearned", "mentor", (*mentor, "train.learn=false"), 1),
        Group("random-float32", "random", (), 1),
    ]


def command(group: Group, seed: int, folder: Path, threads: int) -> list[str]:
    """What a person would type."""
    return [
        *("python", "-m", "mentor_policy", "train", "--env", TASK, "--agent", group.agent),
        *("--preset", "metaworld", "--run-dir", str(folder), *RUN, *group.settings),
        *(f"train.seed={seed}", f"train.threads={threads}"),
    ]


def main() -> None:
    """Train what is not trained yet, then say and draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("runs/bench_button"))
    parser.add_argument("--parallel", type=int, default=1, help="runs at a time")
    parser.add_argument("--picture", type=Path, default=Path("runs/bench_button/button_press.png"))
    parser.add_argument("--draw-only", action="store_true", help="train nothing")
    options = parser.parse_args()
    threads = max(1, (os.cpu_count() or 1) // options.parallel)
    folders = {
        (group, seed): options.folder / f"{group.name}-{seed}"
        for group in groups()
        for seed in range(group.seeds)
    }

    def train_one(run: tuple[Group, int]) -> None:
        train(command(*run, folders[run], threads), folders[run], threads)

    if not options.draw_only:
        todo = [run for run, folder in folders.items() if not (folder / "summary.json").exists()]
        with ThreadPoolExecutor(options.parallel) as pool:
            list(pool.map(train_one, todo))
    figure = Figure(figsize=(8, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for number, group in enumerate(groups()):
        curves = [seen for s in range(group.seeds) if (seen := evaluations(folders[group, s]))]
        draw_mean(axes, number, group.name, curves, "return_mean")
        if curves:
            last = [round(seen["return_mean"][-1]) for seen in curves]
            steps = [int(seen["step"][-1]) for seen in curves]
            print(f"| {group.name} | {last} | at {steps} steps |")
            line = {"name": f"button_press/{group.name}", "value": float(np.mean(last))}
            print(json.dumps({**line, "unit": "return", "ratio": None, "against": None}))
    axes.axhline(WANTED, color="0.6", lw=0.8, ls="--")
    axes.set(xlabel="steps of 10 frames", ylabel="return of 20 evaluation episodes")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="upper left")
    figure.savefig(options.picture, dpi=110)


if __name__ == "__main__":
    main()
