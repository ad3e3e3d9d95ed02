"""Train the agents of docs/results/agents.md on Meta-World's button press, and evaluate them.

48 x 48 pixels, ten frames a step, 2000 steps; the target, a return of 600, is the project's own.
Every run is one command, printed before it begins; one that was interrupted is resumed, a finished
one is kept. What it learned is evaluated on 20 episodes of seeds that no evaluation in training has
seen.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from trainings import draw_mean, evaluations, is_over, train

TASK, TARGET = "mentor/metaworld-button_press_topdown-v0", 600.0
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


EPISODES, FRESH_SEED = 20, 2_000_000


@dataclass(frozen=True)
class Group:
    """An agent and its settings."""

    name: str
    agent: str
    settings: tuple[str, ...]


def groups() -> list[Group]:
    """Return all that is compared."""
    alone = [*LEARNER, "agent.precision=float32"]
    mixing = [*alone, "agent.shift_padding=0"]  # ALIX has no random shift
    mentor = [*alone, *PERTURBED, *EXPERTS]
    return [
        Group("alix", "alix", tuple(mixing)),
        Group("taco", "taco", tuple(alone)),
        Group("drqv2", "drqv2", tuple(alone)),
        Group("mentor", "mentor", tuple(mentor)),
        Group("random", "random", ()),
    ]


def command(group: Group, seed: int, folder: Path, threads: int) -> list[str]:
    """Return the command that a person would type."""
    return [
        *("python", "-m", "mentor_policy", "train", "--env", TASK, "--agent", group.agent),
        *("--preset", "metaworld", "--run-dir", str(folder), *RUN, *group.settings),
        *(f"train.seed={seed}", f"train.threads={threads}"),
    ]


def evaluated(folder: Path) -> dict[str, Any]:
    """Return and success of the newest checkpoint on fresh seeds, as ``evaluate --json`` gives."""
    command = [
        *(sys.executable, "-m", "mentor_policy", "evaluate", str(folder), "--json"),
        *("--episodes", str(EPISODES), "--seed", str(FRESH_SEED)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def draw(folders: dict[str, Path], picture: Path) -> None:
    """Draw the evaluation returns of all runs."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for number, (name, folder) in enumerate(folders.items()):
        draw_mean(axes, number, name, [evaluations(folder)], "return_mean")
    axes.axhline(TARGET, color="0.6", lw=0.8, ls="--")
    axes.set(xlabel="steps of 10 frames", ylabel="return of 20 evaluation episodes")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="upper left")
    figure.savefig(picture, dpi=110)


def main() -> None:
    """Train what is not trained yet, then evaluate, print and draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("runs/bench_button"))
    parser.add_argument("--agents", nargs="*", default=[group.name for group in groups()])
    parser.add_argument("--seed", type=int, default=10, help="of the trainings")
    parser.add_argument("--parallel", type=int, default=1, help="runs at a time")
    parser.add_argument("--threads", type=int, help="of a run; default: the cores, divided equally")
    parser.add_argument("--picture", type=Path, default=Path("runs/bench_button/button_press.png"))
    options = parser.parse_args()
    threads = options.threads or max(1, (os.cpu_count() or 1) // options.parallel)
    chosen = [group for group in groups() if group.name in options.agents]
    folders = {group.name: options.folder / f"{group.name}-{options.seed}" for group in chosen}

    def train_one(group: Group) -> None:
        folder = folders[group.name]
        if not is_over(folder):
            train(command(group, options.seed, folder, threads), folder, threads)

    with ThreadPoolExecutor(options.parallel) as pool:
        list(pool.map(train_one, chosen))
    for name, folder in folders.items():
        found = evaluated(folder)
        line = {"name": f"button_press/{name}", "value": round(found["return"], 1)}
        line |= {"unit": "return", "ratio": None, "against": None}
        line |= {key: found[key] for key in ("success", "success_interval")}
        print(json.dumps(line), flush=True)
    draw(folders, options.picture)


if __name__ == "__main__":
    main()
