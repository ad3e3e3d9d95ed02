"""How much each expert of a trained policy is used by kind of episode (Fig. 11 of the paper).

Rolls out a checkpoint in process without noise, episodes of each kind in turn, and writes the
weights of the acting policy's routing: a CSV with a row for each episode, a picture, and one JSON
object with the mutual information of expert and kind beside what shuffled labels give.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import gymnasium
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from trainings import write_csv

from mentor_policy.agents.base import Agent
from mentor_policy.training.checkpoint import read_checkpoint
from mentor_policy.training.environment import make_environment
from mentor_policy.training.expert_usage import usage_by_kind

SEED = 46_000_000
"""Seed of the first episode; apart from those of training and evaluation."""


def episode_usage(agent: Agent, env: gymnasium.Env, seed: int, options: dict) -> np.ndarray:
    """Return the mean weight of each expert in one episode, (experts,).

    Args:
        agent: agent that acts, without exploration noise.
        env: in process.
        seed: seed of the episode.
        options: options of its reset.
    """
    observation, _ = env.reset(seed=seed, options=options)
    used, over = [], False
    while not over:
        action, _ = agent.act_with_mean(observation, step=0, evaluate=True)
        if agent.expert_usage is None:
            raise SystemExit("this policy has no mixture of experts, so no expert is used")
        used.append(agent.expert_usage)
        observation, _, terminated, truncated, _ = env.step(action)
        over = terminated or truncated
    return np.mean(used, axis=0, dtype=np.float64)


def draw(usage: np.ndarray, kinds: list[str], title: str, path: Path) -> None:
    """Draw the usage of each expert by kind.

    Args:
        usage: (kinds, experts).
        kinds: their names.
        title: title of the picture.
        path: path of the PNG.
    """
    figure = Figure(figsize=(7.0, 1.2 + 0.5 * len(kinds)), layout="constrained")
    axes = figure.add_subplot()
    shown = axes.imshow(usage, cmap="viridis", vmin=0.0, aspect="auto")
    axes.set_yticks(range(len(kinds)), kinds)
    axes.set_xticks(range(usage.shape[1]), [str(i + 1) for i in range(usage.shape[1])])
    axes.set_xlabel("expert")
    axes.set_title(title, fontsize=9)
    figure.colorbar(shown, label="mean weight")
    FigureCanvasAgg(figure).print_png(str(path))


def main() -> None:
    """Roll out, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="a checkpoint's folder, or a run's")
    parser.add_argument("--env", default="mentor/peg_insertion-v0")
    parser.add_argument("--option", default="peg", help="of a reset, that makes the kinds")
    parser.add_argument("--kinds", nargs="+", default=["star", "triangle", "arrow"])
    parser.add_argument("--episodes", type=int, default=10, help="of each kind")
    parser.add_argument("--folder", type=Path, default=Path("runs/expert_usage"))
    options = parser.parse_args()
    agent, env = (
        read_checkpoint(options.checkpoint).agent("auto"),
        make_environment(options.env, {}),
    )
    rows, kinds = [], []
    for number in range(options.episodes * len(options.kinds)):
        kinds.append(number % len(options.kinds))
        chosen = {options.option: options.kinds[kinds[-1]]}
        rows.append(episode_usage(agent, env, SEED + number, chosen))
    env.close()
    found = usage_by_kind(np.array(rows), np.array(kinds))
    options.folder.mkdir(parents=True, exist_ok=True)
    header = [options.option, "seed", *(f"expert_{i + 1}" for i in range(len(rows[0])))]
    table = [
        [options.kinds[kind], SEED + number, *np.round(row, 5).tolist()]
        for number, (kind, row) in enumerate(zip(kinds, rows, strict=True))
    ]
    write_csv(options.folder / "expert_usage.csv", header, table)
    low, high = found.shuffled
    title = f"{found.information:.4f} bits; shuffled labels {low:.4f} to {high:.4f}"
    draw(found.usage, options.kinds, title, options.folder / "expert_usage.png")
    line = {
        "name": f"expert usage by {options.option}", "value": round(found.information, 5),
        "unit": "bits", "shuffled": [round(low, 5), round(high, 5)],
        "told_apart": found.told_apart, "episodes": len(rows),
    }  # fmt: skip
    print(json.dumps(line))


if __name__ == "__main__":
    main()
