"""The shelf routine of peg insertion: it switches pegs, and always knows which one it holds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mentor_common.tasks.reset_routine import (
    BEGIN_EPISODE,
    AskForHelp,
    Grip,
    Move,
    PartFailed,
    PartResult,
    ResetContext,
    Save,
    make_routine,
)
from mentor_common.tasks.task import find_task
from mentor_reset.execution.attempt import run_routine
from mentor_reset.execution.reset_options import json_object, options_of_parameter
from mentor_reset.routines.shelf import read_shelf

TASK = find_task("peg_insertion")
PEGS = ("star", "triangle", "arrow")
SHELF = read_shelf(TASK)
ROUTINE = make_routine(TASK)
START = np.array([0.5, 0.3, 0.8, -0.2], np.float32)
IN_SOCKET = np.array([0.7, -0.6, -1.0, 0.0])
TOLERANCE = 0.005  # metres by which a grasped block may differ, as the gripper has it


class Killed(Exception):
    """The reset node was killed."""


class Cell:
    """A hand, a shelf, and three pegs that are in the one, in the other, or lost."""

    def __init__(self, hand: str = "") -> None:
        self.hand, self.shelf = hand, {peg for peg in PEGS if peg != hand}
        self.position = IN_SOCKET.copy()
        self.saved: dict = {}
        self.parts: list = []
        self.requests: list[str] = []
        self.kill_after = -1
        self.known: str | None = None
        """The peg in the hand as far as the gripper told since the node started; None: unknown."""

    def __call__(self, part) -> PartResult:
        self.parts.append(part)
        if self.kill_after == 0:
            raise Killed
        self.kill_after -= 1
        if isinstance(part, Move):
            self._move(part)
        elif isinstance(part, Grip):
            self._grip(part)
        elif isinstance(part, Save):
            self.saved = dict(part.state)
        elif isinstance(part, AskForHelp):
            self.requests.append(part.request)
            self.shelf = {peg for peg in PEGS if peg != self.hand}
        return PartResult(self.position.copy())

    def _move(self, part: Move) -> None:
        if part.target is None:
            return
        assert self.known == self.hand, "drives with an unknown peg in the hand"
        self.position = np.array(part.target, float)

    def _grip(self, part: Grip) -> None:
        if part.command == "release":
            if self.hand and np.allclose(self.position, SHELF.in_place(self.hand), atol=0.05):
                self.shelf.add(self.hand)
            self.hand = self.known = ""
            return
        for peg in self.shelf:
            if not self.hand and np.allclose(self.position, SHELF.in_place(peg), atol=0.05):
                self.hand = peg
        self.shelf.discard(self.hand)
        if not self.hand or abs(SHELF.grips[self.hand] - part.width) > TOLERANCE:
            self.failed = getattr(self, "failed", 0) + 1
            if self.failed == len(PEGS):
                self.known = ""
            raise PartFailed(part, "nothing of that width")
        self.known, self.failed = self.hand, 0

    def reset(self, seed: int = 0, **options) -> dict:
        """Carry an attempt out; return the options of the episode that it begins."""
        self.failed = 0
        random = np.random.default_rng(seed)
        context = ResetContext(START, np.zeros(4, np.float32), random, options, 1, self.saved)
        run_routine(ROUTINE.parts(context), self)
        begin = self.parts[-1]
        assert begin.stage == BEGIN_EPISODE and begin.begins_episode
        return dict(begin.options)


def test_it_puts_the_peg_back_and_takes_another():
    cell = Cell("star")
    assert cell.reset(peg="arrow") == {"peg": "arrow"}
    assert cell.hand == "arrow" and cell.shelf == {"star", "triangle"}
    assert cell.saved == {"hand": "arrow", "episodes": {"arrow": 1}}


def test_its_stages_are_announced_in_order():
    cell = Cell("star")
    cell.reset(peg="arrow")
    stages = [stage for stage, _ in itertools.groupby(cell.parts, key=lambda part: part.stage)]
    assert stages == [*ROUTINE.stages, BEGIN_EPISODE]


def test_a_peg_that_is_to_stay_never_sees_the_shelf():
    cell = Cell("triangle")
    cell.reset(peg="triangle")
    assert not {"put_back", "take"} & {part.stage for part in cell.parts}


def test_pegs_are_carried_over_the_shelf_at_full_height():
    cell = Cell("star")
    cell.reset(peg="arrow")
    height = IN_SOCKET[2]
    last = IN_SOCKET
    for part in cell.parts:
        if isinstance(part, Move) and part.target is not None:
            place = np.array(part.target, float)
            if not np.allclose(place[:2], last[:2], atol=0.02):  # aside: only when lifted
                assert height == SHELF.lift
            height, last = place[2], place


def test_the_three_pegs_are_trained_equally_often():
    cell = Cell()
    held = [cell.reset(seed)["peg"] for seed in range(30)]
    assert {held.count(peg) for peg in PEGS} == {10}
    turns = ["".join(peg[0] for peg in held[i : i + 3]) for i in range(0, 30, 3)]
    assert len(set(turns)) > 2  # in an order that is drawn


def test_an_unknown_peg_is_refused_before_anything_moves():
    cell = Cell("star")
    with pytest.raises(ValueError, match=r"'moon' is unknown; known: star, triangle, arrow, all"):
        cell.reset(peg="moon")
    assert cell.parts == []


def test_a_lost_peg_fails_the_attempt_and_is_then_asked_for_by_name_and_place():
    cell = Cell("triangle")
    cell.reset(peg="triangle")
    cell.hand = ""  # it slipped from the hand, and lies somewhere
    with pytest.raises(PartFailed, match="the triangle peg is lost: the hand is empty"):
        cell.reset(peg="triangle")
    assert cell.reset(peg="triangle") == {"peg": "triangle"}
    assert cell.requests == [
        "put the triangle peg into place 1 of the shelf, and nothing into the hand"
    ]
    assert cell.hand == "triangle"


@pytest.mark.parametrize("hand", ["", "star"])
def test_a_gripper_that_does_not_answer_is_no_empty_hand(hand):
    cell = Cell(hand)
    cell.saved = before = {"hand": hand, "episodes": {}}
    silent = PartResult(cell.position, width=float("nan"))
    cell._grip = lambda part: (_ for _ in ()).throw(PartFailed(part, "no answer", silent))
    with pytest.raises(PartFailed, match="no answer"):
        cell.reset()
    assert cell.saved == before and len(cell.parts) == 1, "nothing moved, nothing is believed"


def test_a_grasp_that_fails_once_is_tried_again_without_help():
    cell = Cell()
    grip, failures = cell._grip, []

    def clumsy(part: Grip) -> None:
        if part.stage == "take" and part.command == "grasp" and not failures:
            failures.append(part)
            raise PartFailed(part, "slipped")
        grip(part)

    cell._grip = clumsy
    assert cell.reset(peg="star") == {"peg": "star"}
    assert len(failures) == 1 and not cell.requests


def test_killed_at_any_moment_it_goes_on_and_never_drives_with_an_unknown_peg():
    random = np.random.default_rng(0)
    for trial in range(300):
        cell = Cell(str(random.choice(["", *PEGS])))
        cell.reset(trial)
        begun = len(cell.parts)
        for _ in range(int(random.integers(1, 4))):  # several kills in a row
            cell.kill_after = int(random.integers(0, 40))
            try:
                cell.reset(int(random.integers(100)))
            except (Killed, PartFailed):
                cell.known = None  # the node starts anew
        cell.kill_after = -1
        for attempt in range(3):
            try:
                options = cell.reset(1000 + trial)
            except PartFailed as failure:
                assert "lost" in str(failure) and attempt == 0
                continue
            break
        assert options["peg"] == cell.hand == cell.saved["hand"]
        assert len(cell.shelf) == 2 and not cell.requests and len(cell.parts) > begun


@pytest.mark.parametrize("text", ["{", "[]", "star", '{"peg": star}'])
def test_options_of_every_reset_that_are_no_json_object_are_refused(text):
    with pytest.raises(ValueError, match=r"parameter options: .* is no JSON"):
        json_object(text)


def test_options_of_every_reset_come_from_a_parameter():
    assert json_object("") == {} and json_object('{"peg": "star"}') == {"peg": "star"}


@pytest.mark.parametrize("task", ["cable_routing", "tabletop_golf", "peg_insertion"])
def test_every_routine_refuses_an_option_that_it_does_not_read(task):
    found = find_task(task)
    known = make_routine(found).options
    with pytest.raises(ValueError, match=rf"reset_options.*{task}: option 'pge' is unknown; known"):
        options_of_parameter('{"pge": "star"}', found, known)


def test_the_pegs_routine_refuses_a_peg_that_there_is_not():
    with pytest.raises(ValueError, match=r"'peg': 'moon' is unknown; known: star, triangle"):
        options_of_parameter('{"peg": "moon"}', TASK, ROUTINE.options)
    assert options_of_parameter('{"peg": "arrow"}', TASK, ROUTINE.options) == {"peg": "arrow"}
