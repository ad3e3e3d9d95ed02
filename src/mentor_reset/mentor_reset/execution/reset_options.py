"""Options of a reset: read from the node's parameter or from a goal, and checked by the routine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mentor_common.tasks.reset_routine import check_options
from mentor_common.tasks.task import Task
from mentor_msgs.action import ResetEpisode


def options_of_parameter(text: str, task: Task, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of every reset.

    Args:
        text: value of the parameter ``options``.
        task: task of the cell.
        known: options of its routine.

    Raises:
        ValueError: the text is no JSON object, or the routine refuses an option.
    """
    options = json_object(text)
    check_options(options, known, f"parameter options (reset_options:=) of task {task.name}")
    return options


def options_of_goal(
    request: ResetEpisode.Goal, task: Task, known: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the options of a goal.

    Args:
        request: the goal.
        task: task of the cell.
        known: options of its routine.

    Raises:
        ValueError: an option is no JSON, or the routine refuses it.
    """
    names, values = request.option_names, request.option_values
    if len(names) != len(values):
        raise ValueError(f"reset: {len(names)} option_names, but {len(values)} option_values")
    options = {}
    for name, value in zip(names, values, strict=True):
        try:
            options[name] = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"reset: option '{name}': {value[:80]!r} is no JSON") from error
    check_options(options, known, f"reset of task {task.name}")
    return options


def json_object(text: str) -> dict[str, Any]:
    """Return the JSON object of the parameter ``options``. Raises: ValueError."""
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"parameter options: {text[:80]!r} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"parameter options: {text[:80]!r} is no JSON object")
    return value
