"""The preset that an environment trains with unless another one is chosen."""

from __future__ import annotations

import re

from mentor_common.tasks.task import Task, find_task, list_tasks

OF_TASKS = "robot"
"""Preset of a task whose file names none."""
SUITES = (
    (r"mentor/dmc-dog_", "dog"),
    (r"mentor/dmc-", "dmc"),
    (r"mentor/metaworld-(coffee_push|soccer)", "coffee_push_soccer"),
    (r"mentor/metaworld-", "metaworld"),
    (r"mentor/adroit-", "adroit"),
    (r"mentor/ros-", OF_TASKS),  # a cell over topics
)
"""Column of Table 2 that belongs to a suite's environments."""
OF_OTHERS = "metaworld"
"""Preset of environments that are neither of a suite nor of a task."""


def preset_for(environment: str) -> str:
    """Return the preset of an environment: that of its suite, or that in its task's file.

    Args:
        environment: gymnasium id, with or without its version.

    Raises:
        TaskError: the task's file is refused.
    """
    for pattern, preset in SUITES:
        if re.match(pattern, environment):
            return preset
    task = _task_of(environment)
    return OF_OTHERS if task is None else task.preset or OF_TASKS


def _task_of(environment: str) -> Task | None:
    """Return the task of an id such as ``mentor/cable_routing_classified-v0``, if there is one."""
    prefix, _, name = environment.rpartition("/")
    if prefix != "mentor":
        return None
    name = re.sub(r"-v\d+$", "", name)
    known = [task for task in list_tasks() if name == task or name.startswith(f"{task}_")]
    return find_task(max(known, key=len)) if known else None
