"""The shelf routine carried out on the twin's arm, gripper and pegs, and killed within any part."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from mentor_common.arm.arm import Arm
from mentor_common.arm.backend import GripperCommand, GripperFailed
from mentor_common.tasks.episode_draw import EpisodeDraws
from mentor_common.tasks.reset_routine import (
    AskForHelp,
    Grip,
    Move,
    Part,
    PartFailed,
    PartResult,
    ResetContext,
    Save,
    make_routine,
)
from mentor_common.tasks.task import find_task
from mentor_reset.execution.attempt import run_routine
from mentor_sim_bridge.twins.peg.config import load_peg_config
from mentor_sim_bridge.twins.peg.shapes import PEGS
from mentor_sim_bridge.twins.peg.simulator import PegSimulator

TASK = find_task("peg_insertion")
ROUTINE = make_routine(TASK)
START = np.array([0.7, 0.0, 0.6, 0.0], np.float32)
SPEED = 1.0
"""Speed of a move, normalised units a second."""


class Killed(Exception):
    """The reset node was killed."""


class Cell:
    """Carries the routine's parts out on the twin, and remembers what only a kill loses."""

    def __init__(self) -> None:
        self.twin = PegSimulator(load_peg_config(), TASK)
        self.arm = Arm(self.twin, TASK.workspace, TASK.deltas, TASK.episode.period, TASK.arm.limits)
        self.draws = EpisodeDraws(TASK)
        self.arm.begin_episode(0, START, self.draws.draw(0).window_offset, {"peg": "star"})
        self.random = np.random.default_rng(0)
        self.saved: dict = {"hand": "star", "episodes": {}}
        self.known: str | None = None
        """The peg in the hand as far as the gripper told since the node started; None: unknown."""
        self.asked: list[str] = []
        self.left = -1  # parts until the kill; never if negative
        self.kills: list[str] = []

    def reset(self, peg: str) -> str:
        """Carry an attempt out; return the peg of the episode that it begins."""
        context = ResetContext(
            START, self.arm.position, self.random, {"peg": peg}, 1, dict(self.saved)
        )
        run_routine(ROUTINE.parts(context), self._do)
        self.arm.window_offset = self.draws.draw().window_offset.astype(float)
        return str(self.begun["peg"])

    def _do(self, part: Part) -> PartResult:
        killed = self.left == 0
        self.left -= 1
        if killed:
            self.kills.append(part.stage)
            if self.random.random() < 0.5:  # before it began
                self.known = None
                raise Killed
        if isinstance(part, Move):
            self._move(part, 0.5 if killed else 1.0)
        elif isinstance(part, Grip):
            self._grip(part)
        elif isinstance(part, Save):
            self.saved = dict(part.state)
        elif isinstance(part, AskForHelp):
            self.asked.append(part.request)
        if killed:  # what it led to is lost
            self.known = None
            raise Killed
        return PartResult(self.arm.position.copy())

    def _move(self, part: Move, share: float) -> None:
        if part.begins_episode:
            self.begun = dict(part.options)
        if part.movement:
            before = self.arm.position
            self.arm.release_tension(0.5)
            aside = TASK.workspace.to_metric(self.arm.position) - TASK.workspace.to_metric(before)
            assert np.abs(aside[:2]).max() < 0.002, "dragged aside, perhaps at the shelf's height"
        if part.target is None:
            return
        assert self.known == self.twin.peg_in_hand, "moves with an unknown peg in the hand"
        way = share * (np.asarray(part.target) - self.arm.target)
        outcome = self.arm.move(self.arm.target + way, 0.2 + float(np.abs(way).max()) / SPEED)
        assert not outcome.failed, outcome.reason

    def _grip(self, part: Grip) -> None:
        try:
            self.twin.gripper(GripperCommand(part.command, part.width))
        except GripperFailed as failure:
            if failure.width <= 0.002:
                self.known = ""
            raise PartFailed(part, str(failure), PartResult(width=failure.width)) from None
        self.known = self.twin.peg_in_hand


@pytest.fixture(scope="module")
def cell() -> Cell:
    return Cell()


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.soak)])
def test_killed_at_any_moment_the_next_reset_brings_the_peg_that_is_asked_for(
    cell: Cell, kills: int
) -> None:
    cell.kills.clear()
    while len(cell.kills) < kills:
        others = [peg for peg in PEGS if peg != cell.twin.peg_in_hand]
        cell.left = int(cell.random.integers(0, 25))
        with contextlib.suppress(Killed):
            cell.reset(str(cell.random.choice(others)))
        cell.left = -1
        wanted = str(cell.random.choice(PEGS))
        began = cell.reset(wanted)
        assert began == wanted == cell.twin.peg_in_hand == cell.saved["hand"]
        assert all(cell.twin.holds.holds(peg) for peg in PEGS), "the others stand in their places"
    assert not cell.asked and len(set(cell.kills)) >= (1 if kills < 50 else 5)
