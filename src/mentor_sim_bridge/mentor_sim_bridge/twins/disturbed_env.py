"""A twin's environment in whose episodes something may happen that training never did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic

from mentor_common.tasks.episode_draw import EpisodeDraw
from mentor_common.tasks.task import Task
from mentor_sim_bridge.twins.disturbance import Kind, find_disturbance
from mentor_sim_bridge.twins.simulator import Simulator
from mentor_sim_bridge.twins.twin_env import TwinEnv


class DisturbedEnv(TwinEnv, Generic[Kind]):
    """A twin whose episodes have the option `disturbance`.

    A subclass sets `undisturbed`, and implements `before_step`: it lets `to_come` happen and calls
    `has_happened`.

    Args:
        task: task of the cell.
        simulator: simulator of the same task.
        disturbance: disturbance of every episode whose reset names no other by
            `options["disturbance"]`.
        others: `max_steps`, `images`, `render_mode` and `states` of TwinEnv.

    Raises:
        ValueError: an argument is unknown.
    """

    undisturbed: Kind
    """The twin's disturbance "none"."""

    def __init__(self, task: Task, simulator: Simulator, disturbance: str, **others: Any) -> None:
        super().__init__(task, simulator, **others)
        self._usual = find_disturbance(type(self.undisturbed), disturbance)
        self.to_come = self.undisturbed
        """What is yet to happen in the episode."""

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
        """Go on undisturbed, and draw the newest frames again unless the arm is in a fault."""
        self.to_come = self.undisturbed
        if not self.arm.backend.fault:
            self.redraw()
