"""Cells of short episodes, for tests that need several of them."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from mentor_common.tasks.task import TASK_PATH, find_task


def short_episodes(folder: Path, task: str, steps: int) -> dict[str, str]:
    """Write a task's file with episodes of so many steps; return the environment that finds it."""
    tree = yaml.safe_load(Path(find_task(task).file).read_text())
    tree["episode"]["max_steps"] = steps
    tasks = folder / "tasks"
    tasks.mkdir()
    (tasks / f"{task}.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    return {**os.environ, TASK_PATH: str(tasks)}
