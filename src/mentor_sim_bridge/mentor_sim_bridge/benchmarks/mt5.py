"""MT5: the five opposing skills of section 3.1, one a episode, in turn."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mentor_sim_bridge.benchmarks.metaworld import MetaworldSimulator
from mentor_sim_bridge.benchmarks.names import MT5
from mentor_sim_bridge.benchmarks.pixel_env import PixelEnv
from mentor_sim_bridge.benchmarks.simulator import Outcome, TaskSimulator, View, refuse_options


class Mt5Simulator(TaskSimulator):
    """Five Meta-World tasks behind one environment, each made when it is first needed.

    Which task an episode has: ``options["task_id"]`` if given; else ``seed % 5`` if seeded, so
    that one seed means one trajectory and successive seeds go through all tasks; else the next in
    turn.
    ``info`` of reset and step holds ``task_id`` (0 to 4, in the order of ``names.MT5``) and
    ``task``.

    Args:
        view: how it renders.
        state: None, ``robot``, ``full`` (of the task) or ``task_id`` (one-hot).
    """

    def __init__(self, view: View | None = None, state: str | None = None) -> None:
        self._one_hot = state == "task_id"
        own = None if self._one_hot else state
        self._make = partial(MetaworldSimulator, view=view, state=own)
        self._simulators: dict[int, MetaworldSimulator] = {}
        first = self._simulator(0)
        self.camera = first.camera
        self.action_names = first.action_names
        self.max_frames = first.max_frames
        self.frame_seconds = first.frame_seconds
        self.state_size = len(MT5) if self._one_hot else first.state_size
        self.task_id = len(MT5) - 1
        self._successes = [0] * len(MT5)
        self._episodes = [0] * len(MT5)
        self._stepped = self._succeeded = False
        self._seeds: dict[int, int] = {}

    def _simulator(self, task_id: int) -> MetaworldSimulator:
        if task_id not in self._simulators:  # making one takes seconds
            self._simulators[task_id] = self._make(MT5[task_id])
        return self._simulators[task_id]

    @property
    def task(self) -> str:  # type: ignore[override]
        """The suite and the episode's task, e.g. ``metaworld-mt5/door_open``."""
        return "metaworld-mt5/" + MT5[self.task_id].replace("-", "_")

    def success_by_task(self) -> dict[str, tuple[int, int]]:
        """Return for each task the episodes with success, and those of at least one step."""
        return {name: (self._successes[i], self._episodes[i]) for i, name in enumerate(MT5)}

    def reset(self, seed: int | None, options: dict[str, Any]) -> None:
        """Begin an episode.

        Raises:
            ValueError: ``options["task_id"]`` is not an integer from 0 to 4, or another option is
            given.
        """
        refuse_options("metaworld-mt5", options, ("task_id",))
        wanted = options.get("task_id")
        if wanted is not None:
            if isinstance(wanted, bool) or wanted not in range(len(MT5)):
                raise ValueError(f"task_id is {wanted!r}, must be 0 to {len(MT5) - 1}")
            self.task_id = int(wanted)
        elif seed is not None:
            self.task_id = seed % len(MT5)
        else:
            self.task_id = (self.task_id + 1) % len(MT5)
        self._stepped = self._succeeded = False
        if seed is not None:
            # A seed holds for all that follows: the other tasks get theirs at their next episode.
            self._seeds = {i: seed + i for i in range(len(MT5))}
            self._seeds[self.task_id] = seed
        self._simulator(self.task_id).reset(self._seeds.pop(self.task_id, None), {})

    def info(self) -> dict[str, Any]:
        """Return the task of the episode."""
        return {"task_id": self.task_id, "task": self.task}

    def step(self, action: NDArray[np.float32]) -> Outcome:
        """Simulate one step of the suite, and count episodes and successes."""
        outcome = self._simulator(self.task_id).step(action)
        if not self._stepped:
            self._stepped = True
            self._episodes[self.task_id] += 1
        if outcome.success and not self._succeeded:
            self._succeeded = True
            self._successes[self.task_id] += 1
        return outcome

    def render(self) -> NDArray[np.uint8]:
        """Render the running task."""
        return self._simulator(self.task_id).render()

    def state(self) -> NDArray[np.float32]:
        """Return the one-hot task id, or the task's own state."""
        if self._one_hot:
            return np.eye(len(MT5), dtype=np.float32)[self.task_id]
        return self._simulator(self.task_id).state()

    def close(self) -> None:
        """Free those that were made."""
        for simulator in self._simulators.values():
            simulator.close()


make = partial(PixelEnv.make, Mt5Simulator)
"""Makes ``mentor/metaworld-mt5-v0``."""
