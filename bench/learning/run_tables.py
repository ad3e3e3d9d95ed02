"""Tables of what a task's runs reached; they outlive the folders of the runs."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from task_runs import Run
from trainings import write_csv

CURVES = {"agent": str, "seed": int, "step": int, "success": float}
FINALS = {"agent": str, "seed": int, "disturbance": str, "successes": int, "episodes": int}
"""Columns of the tables, and their types."""


class Tables:
    """The tables of a task's runs, which outlive the runs' folders.

    Args:
        folder: where they are.
        kind: how their names begin.
        runs: the runs whose rows are kept; those of others go.
    """

    def __init__(self, folder: Path, kind: str, runs: Sequence[Run]) -> None:
        self._curves, self._finals = folder / f"{kind}_curves.csv", folder / f"{kind}_final.csv"
        known = {(run.name, run.seed) for run in runs}
        self.curves = [row for row in _rows(self._curves, CURVES) if row[:2] in known]
        self.finals = [row for row in _rows(self._finals, FINALS) if row[:2] in known]

    def holds(self, run: Run) -> bool:
        """Return whether a run was evaluated at its end."""
        return any(row[:2] == (run.name, run.seed) for row in self.finals)

    def seen(self, run: Run) -> dict[str, list[float]]:
        """Return the evaluations of a run in the course of its training, by column."""
        rows = [row for row in self.curves if row[:2] == (run.name, run.seed)]
        return {"step": [row[2] for row in rows], "success": [row[3] for row in rows]}

    def add(self, run: Run, disturbances: Sequence[str], episodes: int) -> None:
        """Take what a folder knows of its run, in place of what was there."""
        key = (run.name, run.seed)
        seen = run.evaluations()
        if seen:
            self.curves = [row for row in self.curves if row[:2] != key]
            for step, success in zip(seen["step"], seen["success"], strict=True):
                self.curves.append((*key, int(step), success))
        if run.is_over:
            self.finals = [row for row in self.finals if row[:2] != key]
            for disturbance in disturbances:
                share = run.evaluate(disturbance, episodes)["success"]
                self.finals.append((*key, disturbance, round(share * episodes), episodes))

    def write(self) -> None:
        """Write both files."""
        write_csv(self._curves, list(CURVES), self.curves)
        write_csv(self._finals, list(FINALS), self.finals)


def _rows(path: Path, columns: dict[str, Any]) -> list[tuple[Any, ...]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            tuple(kind(row[name]) for name, kind in columns.items()) for row in csv.DictReader(file)
        ]
