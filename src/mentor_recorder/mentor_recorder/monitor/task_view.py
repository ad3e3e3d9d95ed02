"""What the page must know of a task to show any cell: its names, and the workspace window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mentor_common.tasks.plugins import PluginError
from mentor_common.tasks.reward_model import class_names
from mentor_common.tasks.task import Task


def task_view(task: Task | None) -> dict[str, Any]:
    """Return the names of a task, its action, cameras and classes; empty without a task."""
    if task is None:
        return {}
    return {
        "name": task.name,
        "actions": list(task.action_names),
        "cameras": [camera.name for camera in task.cameras],
        "classes": _class_names(task),
    }


def _class_names(task: Task) -> dict[str, tuple[str, ...]]:
    """Return the names of classes by state; empty where the reward of a bag is not installed."""
    try:
        return class_names(task)
    except PluginError:
        return {}


def window_view(task: Task | None, offset: Sequence[float] = ()) -> dict[str, Any]:
    """Return the corners in metres of the box within which actions are clipped.

    Args:
        task: without one there is no box.
        offset: the episode's, of each axis in units of that axis; empty: none.
    """
    if task is None:
        return {}
    axes = len(task.workspace.axes)
    moved = np.asarray(offset, np.float64) if len(offset) == axes else np.zeros(axes)
    corners = (task.workspace.xyzr(np.full(axes, side) + moved)[:3] for side in (-1.0, 1.0))
    return {
        name: [float(value) for value in corner]
        for name, corner in zip(("low", "high"), corners, strict=True)
    }
