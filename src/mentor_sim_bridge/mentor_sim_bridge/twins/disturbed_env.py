"""A twin's environment in whose episodes something may happen that training never did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from mentor_common.tasks.episode_draw import EpisodeDraw
from mentor_common.tasks.reward_model import EpisodeInfo
from mentor_common.tasks.task import Task, find_task
from mentor_sim_bridge.twins.disturbance import Kind, find_disturbance
from mentor_sim_bridge.twins.simulator import Simulator
from mentor_sim_bridge.twins.twin_env import TwinEnv

Cell = TypeVar("Cell", bound=Simulator)


class Expert(Protocol):
    """A script that solves the task."""

    def act(self) -> np.ndarray:
        """Return the next action, (actions,) float32."""
        ...


class DisturbedEnv(TwinEnv, Generic[Kind, Cell]):
    """A twin whose episodes have the option `disturbance`, and a scripted expert.

    A subclass sets `task_name` and `undisturbed`, and implements `make_simulator`, `make_expert`
    and `before_step`, which lets `to_come` happen and calls `has_happened`.

    Args:
        config: configuration of the twin, or the YAML that has it; default is the package's.
        disturbance: disturbance of every episode whose reset names no other by
            `options["disturbance"]`.
        task: name of the task, or the path of a task file; default is the twin's own.
        others: `max_steps`, `images`, `render_mode` and `states` of TwinEnv.

    Raises:
        ValueError: an argument is unknown.
    """

    task_name: str
    """Name of the twin's own task."""
    undisturbed: Kind
    """The twin's disturbance "none"."""

    def __init__(
        self, config: Any = None, disturbance: str = "none", task: str = "", **others: Any
    ) -> None:
        found = find_task(task or self.task_name)
        self.simulator = self.make_simulator(config, found)
        super().__init__(found, self.simulator, **others)
        self._usual = find_disturbance(type(self.undisturbed), disturbance)
        self.to_come = self.undisturbed
        """What is yet to happen in the episode."""
        self._expert: Expert | None = None

    def make_simulator(self, config: Any, task: Task) -> Cell:
        """Return the twin.

        Args:
            config: its configuration, the YAML that has it, or None for the package's.
            task: task of the cell.
        """
        raise NotImplementedError

    def make_expert(self) -> Expert:
        """Return the scripted expert of one episode, who sees the ground truth."""
        raise NotImplementedError

    def begin_reward(self, episode: EpisodeInfo) -> None:
        """Have the reward and the expert begin an episode."""
        super().begin_reward(episode)
        self._expert = self.make_expert()

    def expert_action(self) -> np.ndarray:
        """Return what the scripted expert does now, (actions,) float32.

        Raises:
            RuntimeError: no episode has begun.
        """
        if self._expert is None:
            raise RuntimeError(f"{self.task.name}: no episode has begun; call reset()")
        return self._expert.act()

    def episode_options(
        self, draw: EpisodeDraw, seed: int | None, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the options of an episode: `disturbance`, and what was given.

        Args:
            draw: start and window of the episode.
            seed: given to `reset`.
            options: given to `reset`.

        Raises:
            ValueError: the disturbance is unknown.
        """
        chosen = {"disturbance": self._usual.value, **options}
        self.to_come = find_disturbance(type(self.undisturbed), chosen["disturbance"])
        return chosen

    def has_happened(self) -> None:
        """Go on undisturbed, and render the newest frames again unless the arm is in a fault."""
        self.to_come = self.undisturbed
        if not self.arm.backend.fault:
            self.redraw()
