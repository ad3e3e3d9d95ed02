"""What the page must know of a task to show any cell: names of the action, the workspace."""

from __future__ import annotations

from typing import Any

from mentor_common.tasks.task import Task


def task_view(task: Task | None) -> dict[str, Any]:
    """Return the action's names and the workspace's corners in metres; empty without a task."""
    if task is None:
        return {}
    workspace = task.workspace
    low = [workspace.xyzr([-1.0] * len(workspace.axes))[i] for i in range(3)]
    high = [workspace.xyzr([1.0] * len(workspace.axes))[i] for i in range(3)]
    return {
        "name": task.name,
        "actions": list(task.action_names),
        "workspace": {"low": [float(v) for v in low], "high": [float(v) for v in high]},
    }
