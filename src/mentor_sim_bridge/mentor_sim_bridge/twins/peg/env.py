"""`mentor/peg_insertion-v0`: the peg insertion cell in process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mentor_common.tasks.episode_draw import EpisodeDraw
from mentor_common.tasks.peg_insertion import draw_peg, peg_of_seed
from mentor_common.tasks.task import Task
from mentor_sim_bridge.twins.disturbed_env import DisturbedEnv
from mentor_sim_bridge.twins.peg.config import PegCellConfig, load_peg_config
from mentor_sim_bridge.twins.peg.disturbances import (
    BOARD_MOVED,
    NEAR,
    PUSH,
    Disturbance,
)
from mentor_sim_bridge.twins.peg.expert import PegExpert
from mentor_sim_bridge.twins.peg.shapes import PEGS
from mentor_sim_bridge.twins.peg.simulator import PegSimulator

ALL = "all"


class PegInsertionEnv(DisturbedEnv[Disturbance, PegSimulator]):
    """Insert the peg in the hand into its socket.

    Observation: (18, 84, 84) uint8; cameras wrist and side, each at start, midpoint and end of the
    last motion. Action: (4,) dx, dy, dz, dr in [-1, 1]. Reward: eq. 6 with the goal where the board
    lies, or the taught one. Never terminates; truncated after `max_steps`, or by a fault with
    `info["valid"]` False. `info["peg"]` is the index of the peg in star, triangle, arrow, -1 for
    an empty hand; `info["task"]` names that of the episode, e.g. "peg_insertion/star".

    Args:
        config: see DisturbedEnv.
        peg: peg of every episode whose reset names no other by `options["peg"]`; "all": successive
            seeds, and resets without one, have each peg equally often.
        others: see DisturbedEnv; with states="sensors" the reward comes from the arm's pose and the
            taught goals.

    Raises:
        ValueError: an argument is unknown.
    """

    task_name = "peg_insertion"
    undisturbed = Disturbance.NONE

    def __init__(
        self, config: PegCellConfig | Path | None = None, peg: str = ALL, **others: Any
    ) -> None:
        super().__init__(config, **others)
        if peg not in (*PEGS, ALL):
            raise ValueError(f"peg is {peg!r}; known: {', '.join((*PEGS, ALL))}")
        self._peg = peg
        self._episodes: dict[str, int] = {}
        self._of_episode = ""
        self._random = np.random.default_rng()

    def make_simulator(self, config: PegCellConfig | Path | None, task: Task) -> PegSimulator:
        """Return the twin."""
        return PegSimulator(load_peg_config(config), task)

    def make_expert(self) -> PegExpert:
        """Return the scripted expert of one episode."""
        return PegExpert(self.arm, self.simulator)

    def episode_options(
        self, draw: EpisodeDraw, seed: int | None, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the options of an episode: `peg` and `disturbance`.

        Args:
            draw: start and window of the episode.
            seed: given to `reset`; it determines the peg, and those of the resets without a seed
                that follow.
            options: given to `reset`.

        Raises:
            ValueError: the disturbance is unknown.
        """
        chosen = super().episode_options(draw, seed, {"peg": self._peg, **options})
        self._random = np.random.default_rng(draw.seed)  # as the reset routine's
        if seed is not None:
            self._episodes = {}
        if chosen["peg"] == ALL and seed is not None:
            chosen["peg"] = peg_of_seed(PEGS, seed)
        elif chosen["peg"] == ALL:
            chosen["peg"] = draw_peg(PEGS, self._episodes, self._random)
        self._of_episode = str(chosen["peg"])
        self._episodes[chosen["peg"]] = self._episodes.get(chosen["peg"], 0) + 1
        return chosen

    def true_values(self) -> dict[str, Any]:
        """Return the true values, and `task`, by which an evaluation tells the pegs apart."""
        return {**super().true_values(), "task": f"{self.task.name}/{self._of_episode}"}

    def before_step(self) -> None:
        """Trigger, once, the disturbance that happens within an episode (see Disturbance)."""
        simulator, arm, peg = self.simulator, self.arm, self.simulator.peg_in_hand
        if not self.to_come.within_episode or not peg:
            return
        values = simulator.ground_truth().values
        above = simulator.peg_pose(peg)[2] - simulator.config.board.thickness
        if values["distance"] > NEAR or above > NEAR:
            return
        if self.to_come is Disturbance.ARM_PUSHED:
            side = -PUSH if arm.position[1] > 0.0 else PUSH
            for push in ([0.0, 0.0, PUSH, 0.0], [0.0, side, 0.0, 0.0]):
                if not simulator.fault:
                    arm.move(np.clip(arm.position + np.array(push), -1.0, 1.0), arm.period)
        else:
            angle = self._random.uniform(0.0, 2.0 * np.pi)
            simulator.move_board(BOARD_MOVED * np.array([np.cos(angle), np.sin(angle)]))
        self.has_happened()
