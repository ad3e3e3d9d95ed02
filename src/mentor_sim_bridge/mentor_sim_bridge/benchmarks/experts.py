"""Meta-World's scripted experts: they read the suite's true state and solve its tasks."""

from __future__ import annotations

from typing import Any

import numpy as np
from metaworld import policies
from numpy.typing import NDArray

from mentor_sim_bridge.benchmarks.names import METAWORLD

_UNUSUAL = {"peg-insert-side": "PegInsertionSide"}


class ScriptedExpert:
    """Acts by the suite's own script for a task.

    Args:
        task: as the suite spells it without version, e.g. ``coffee-push``.

    Raises:
        ValueError: no such task.
    """

    def __init__(self, task: str) -> None:
        if task not in METAWORLD:
            raise ValueError(f"there is no scripted expert for {task!r}; known: {METAWORLD}")
        words = _UNUSUAL.get(task) or "".join(word.capitalize() for word in task.split("-"))
        self._policy: Any = getattr(policies, f"Sawyer{words}V3Policy")()

    def act(self, state: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the action ``(4,)`` in [-1, 1] for the suite's full state ``(39,)``."""
        action = self._policy.get_action(np.asarray(state, np.float64))
        return np.clip(action, -1.0, 1.0).astype(np.float32)


def task_of(name: str) -> str | None:
    """Return the Meta-World task of an id, e.g. ``mentor/metaworld-soccer_sparse-v0``, if any."""
    head, _, rest = name.partition("metaworld-")
    task = rest.removesuffix("-v0").removesuffix("_sparse").replace("_", "-")
    return task if not head.strip("mentor/") and task in METAWORLD else None
