"""Trainings as processes of their own, and the curve of what several of them reached."""

from __future__ import annotations

import csv
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mentor_policy.training.csv_log import read_csv


def train(command: list[str], folder: Path, threads: int) -> None:
    """Run ``python -m mentor_policy train ...`` to its end; print it, and log beside its folder.

    Raises: RuntimeError if it ends with another status than 0.
    """
    print(shlex.join(command), flush=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.log").open("a") as log:
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        process = [sys.executable, *command[1:]]
        done = subprocess.run(process, stdout=log, stderr=log, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"{shlex.join(command)} ended with {done.returncode}; see {log.name}")


def is_over(folder: Path) -> bool:
    """Return whether the run of this folder reached its end; one that was interrupted did not."""
    summary = folder / "summary.json"
    return summary.exists() and bool(json.loads(summary.read_text())["complete"])


def evaluations(folder: Path) -> dict[str, list[float]]:
    """Return the run's ``eval.csv`` by column; empty while there is none."""
    return read_csv(folder / "eval.csv")


def draw_mean(
    axes: Any, number: int, name: str, curves: list[dict[str, list[float]]], column: str
) -> None:
    """Draw one group of runs: thin, and in bold their mean, up to where the shortest ends."""
    colour, style = f"C{number}", ("-", "--", "-.", ":")[number % 4]  # curves may coincide
    for seen in curves:
        axes.plot(seen["step"], seen[column], color=colour, lw=1, alpha=0.45)
    if curves:
        # An evaluation waits for its episode's end, so runs are evaluated at nearly the same steps.
        end = min(seen["step"][-1] for seen in curves)
        steps = [step for step in curves[0]["step"] if step <= end]
        mean = np.mean([np.interp(steps, seen["step"], seen[column]) for seen in curves], axis=0)
        label = f"{name} (mean of {len(curves)})" if len(curves) > 1 else name
        axes.plot(steps, mean, "o", ls=style, color=colour, lw=2.5, label=label)


def first_and_lasting(
    steps: Sequence[float], success: Sequence[float], wanted: float
) -> tuple[int | None, int | None]:
    """Find when a run first reached a success, and from when on it held it.

    Args:
        steps: steps of the evaluations.
        success: share of episodes that succeeded, at each evaluation.
        wanted: share that counts.

    Returns:
        Step of the first evaluation that reaches it, and of the first after which all do; None if
        there is none.
    """
    first = lasting = None
    for step, value in zip(steps, success, strict=True):
        if value >= wanted:
            first, lasting = first or int(step), lasting or int(step)
        else:
            lasting = None
    return first, lasting


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
