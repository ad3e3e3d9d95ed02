"""Steps per second of a training over the topics, against the same training in process.

    python bench/train_topics.py                # the cable cell and one task of each suite
    python bench/train_topics.py cable_routing --turns 3

Each side is the command that a person gives: the launch file with its defaults (asynchronous, the
cell's classifiers), and `python -m mentor_policy train` with the same settings. They run one after
the other, the order turned round from pair to pair, so that neither has the other beside it. A rate
is that between two checkpoints of a run, after the learner has been started and has fallen as far
behind as it may, which is enforced where an episode begins; resets, and one checkpoint, are within
it. One JSON object for each task, with the median of the pairs' ratios.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mentor_policy.config import load_config
from mentor_policy.training.checkpoint_folders import folders

LAST = 20
"""Steps of a run after its second checkpoint; then comes what it does at its end."""
LIMIT = 1200.0
"""Seconds that a run may take."""


@dataclass(frozen=True)
class Case:
    """A training as a person starts it.

    Args:
        launch: launch file and its arguments.
        environment: gymnasium id of the same cell in process.
        preset: preset that the launch file takes by itself.
        window: steps before the first checkpoint, and from there to the second; no fewer than an
            episode has.
    """

    launch: tuple[str, ...]
    environment: str
    preset: str
    window: int


CASES = {
    "cable_routing": Case(
        ("cable_routing.launch.py",), "mentor/cable_routing_classified-v0", "cable_routing", 200
    ),
    "dmc": Case(
        ("benchmark.launch.py", "suite:=dmc", "task:=hopper_hop"),
        "mentor/dmc-hopper_hop-v0",
        "dmc",
        500,
    ),
    "metaworld": Case(
        ("benchmark.launch.py", "suite:=metaworld", "task:=assembly"),
        "mentor/metaworld-assembly-v0",
        "metaworld",
        250,
    ),
    "adroit": Case(
        ("benchmark.launch.py", "suite:=adroit", "task:=door"),
        "mentor/adroit-door-v0",
        "adroit",
        200,
    ),
}


def commands(case: Case, folder: Path) -> dict[str, list[str]]:
    """Return the command of each side; their runs lie in the folder, below the side's name."""
    repeat = load_config("mentor", case.preset).train.action_repeat
    steps = 2 * case.window + LAST
    settings = [
        f"train.seed_frames={20 * repeat}",
        "train.eval_every_frames=0",
        "train.video=false",
        f"train.checkpoint_every_frames={case.window * repeat}",
        "train.keep_checkpoints=9",
    ]
    return {
        "topics": [
            "mentor_bringup.runner", "mentor_bringup", *case.launch, f"max_steps:={steps}",
            f"run_dir:={folder / 'topics'}", f"overrides:={' '.join(settings)}",
        ],
        "process": [
            "mentor_policy", "train", "--env", case.environment, "--preset", case.preset,
            "--run-dir", str(folder / "process"), f"train.frames={steps * repeat}",
            "train.asynchronous=true", *settings,
        ],
    }  # fmt: skip


def rate(command: Sequence[str], run: Path) -> float:
    """Train to the end; return the steps per second between the first two checkpoints."""
    log = run.with_suffix(".log")
    with (
        log.open("w") as output,
        subprocess.Popen([sys.executable, "-m", *command], stdout=output, stderr=output) as process,
    ):
        try:
            process.wait(LIMIT)
        except BaseException:  # it ends its nodes, which a killed launch leaves behind
            process.send_signal(signal.SIGINT)
            raise
    kept = folders(run / "checkpoints")
    if process.returncode or len(kept) < 2:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise SystemExit(
            f"{' '.join(command)}: status {process.returncode}, end of its log:\n{last}"
        )
    (first, begin), (second, end) = ((int(f.name), f.stat().st_mtime) for f in kept[:2])
    return (second - first) / (end - begin)


def compare(name: str, turns: int) -> dict[str, object]:
    """Run both sides in turns and return the result."""
    rates: dict[str, list[float]] = {"topics": [], "process": []}
    for turn in range(turns):
        with tempfile.TemporaryDirectory() as folder:
            pair = list(commands(CASES[name], Path(folder)).items())
            for side, command in pair[:: -1 if turn % 2 else 1]:
                rates[side].append(rate(command, Path(folder) / side))
                print(f"{name}, {side}: {rates[side][-1]:.2f} steps/s", file=sys.stderr, flush=True)
    ratios = [over / within for over, within in zip(*rates.values(), strict=True)]
    middle = {side: statistics.median(values) for side, values in rates.items()}
    return {
        "name": f"train/topics_vs_inprocess/{name}",
        "value": round(middle["topics"], 3),
        "unit": "steps/s",
        "ratio": round(statistics.median(ratios), 3),
        "against": f"in process: {middle['process']:.2f} steps/s; ratios of the pairs: "
        + ", ".join(f"{ratio:.3f}" for ratio in ratios),
    }


def main() -> None:
    """Measure what is asked for, and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; all")
    parser.add_argument("--turns", type=int, default=1, help="pairs of runs")
    options = parser.parse_args()
    if unknown := set(options.cases) - set(CASES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(CASES)}")
    for name in options.cases or CASES:
        print(json.dumps(compare(name, options.turns)), flush=True)


if __name__ == "__main__":
    main()
