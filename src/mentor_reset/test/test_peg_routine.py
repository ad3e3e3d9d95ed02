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
        self.seed: int | None = None
        """Seed of the reset's goal."""
        self.other = 0.0
        """Width of something in the hand that is no peg, metres."""
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
            if part.request.startswith("take it away"):
                self.other = 0.0
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
            assert not self.other or self.requests, "nobody holds what falls from the hand"
            return
        for peg in self.shelf:
            if not self.hand and np.allclose(self.position, SHELF.in_place(peg), atol=0.05):
                self.hand = peg
        self.shelf.discard(self.hand)
        if not self.hand or abs(SHELF.grips[self.hand] - part.width) > TOLERANCE:
            self.failed = getattr(self, "failed", 0) + 1
            if self.failed == len(PEGS):
                self.known = ""
            width = SHELF.grips[self.hand] if self.hand else self.other
            if self.other and not self.hand:
                self.known = None
            result = PartResult(self.position.copy(), width=width)
            raise PartFailed(part, "nothing of that width", result)
        self.known, self.failed = self.hand, 0

    def reset(self, seed: int = 0, **options) -> dict:
        """Carry an attempt out; return the options of the episode that it begins."""
        self.failed = 0
        random = np.random.default_rng(seed)
        zero = np.zeros(4, np.float32)
        context = ResetContext(START, zero, random, options, 1, self.saved, self.seed, "a.json")
        run_routine(ROUTINE.parts(context), self)
        begin = next(part for part in reversed(self.parts) if isinstance(part, Move))
        assert begin.stage == BEGIN_EPISODE and begin.begins_episode
        return dict(begin.options)

    def kill_at(self, stage: str, command: type, peg: str) -> None:
        """Do a reset that is killed as the last part of that kind in a stage begins."""
        trial = Cell(self.hand)
        trial.saved = dict(self.saved)
        trial.position = self.position.copy()
        trial.reset(peg=peg)
        found = [
            number for number, part in enumerate(trial.parts)
            if part.stage == stage and isinstance(part, command)
        ]  # fmt: skip
        self.kill_after = found[-1]
        with pytest.raises(Killed):
            self.reset(peg=peg)
        self.kill_after, self.known = -1, None


def test_it_puts_the_peg_back_and_takes_another():
    cell = Cell("star")
    assert cell.reset(peg="arrow") == {"peg": "arrow"}
    assert cell.hand == "arrow" and cell.shelf == {"star", "triangle"}
    assert cell.saved == {"hand": "arrow", "episodes": {"arrow": 1}, "next": ""}


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


def test_an_attempt_that_fails_counts_no_episode_and_its_peg_is_drawn_again():
    cell = Cell("star")
    cell.saved = {"hand": "star", "episodes": {"star": 1}}
    do, failures = cell._move, []

    def blocked(part: Move) -> None:
        if part.stage == "move_to_start" and len(failures) < 3:
            failures.append(part)
            raise PartFailed(part, "blocked")
        do(part)

    cell._move = blocked
    seen = set()
    for attempt in range(3):
        with pytest.raises(PartFailed, match="blocked"):
            cell.reset(attempt)
        assert cell.saved["episodes"] == {"star": 1}
        seen.add(cell.hand)
    peg = cell.reset(3)["peg"]
    assert seen == {peg} and peg != "star"
    assert cell.saved == {"hand": peg, "episodes": {"star": 1, peg: 1}, "next": ""}


def test_seeded_episodes_have_each_peg_equally_often_and_leave_the_saved_turns_alone():
    cell = Cell()
    cell.saved = {"hand": "", "episodes": {"star": 5}, "next": "arrow"}
    held = []
    for cell.seed in range(30, 60):
        held.append(cell.reset()["peg"])
        assert cell.saved == {"hand": cell.hand, "episodes": {"star": 5}, "next": "arrow"}
    turns = ["".join(peg[0] for peg in held[i : i + 3]) for i in range(0, 30, 3)]
    assert all(sorted(turn) == ["a", "s", "t"] for turn in turns) and len(set(turns)) > 2
    cell.seed = 31
    assert cell.reset(peg="star") == {"peg": "star"} and cell.reset() == {"peg": held[1]}


@pytest.mark.parametrize(
    "value",
    [
        {"episodes": 3},
        {"episodes": None},
        {"episodes": {"star": "one"}},
        {"episodes": {"star": -1}},
        {"hand": None},
        {"hand": "moon"},
        {"next": ["star"]},
    ],
)
def test_a_saved_state_of_another_shape_is_refused_with_its_file_and_the_way_out(value):
    cell = Cell("star")
    cell.saved = value
    ((name, bad),) = value.items()
    with pytest.raises(ValueError, match="delete the file") as refused:
        cell.reset()
    assert f"a.json: cannot be read: '{name}' is {bad!r}, must be" in str(refused.value)
    assert cell.parts == []


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


def test_something_in_the_hand_that_is_no_peg_is_handed_to_a_person_before_anything_moves():
    cell = Cell()
    cell.saved = {"hand": "star", "episodes": {}, "next": ""}
    cell.shelf = set(PEGS)
    cell.other = 0.034
    assert cell.reset(peg="arrow") == {"peg": "arrow"}
    hold, take = cell.requests
    assert "it is 34.0 mm wide, the pegs are: star 10.0 mm, triangle 18.0 mm, arrow 26.0" in hold
    assert "hold what is in the hand" in hold and take.startswith("take it away")
    kinds = [type(part) for part in cell.parts]
    assert kinds.index(Move) > max(i for i, kind in enumerate(kinds) if kind is AskForHelp)


def test_something_in_the_hand_that_nobody_takes_away_fails_the_attempt_where_it_is():
    cell = Cell()
    cell.other, answers = 0.034, cell.requests.append
    do = cell.__call__

    def ignored(part) -> PartResult:
        if isinstance(part, AskForHelp):
            answers(part.request)
            return PartResult(cell.position.copy())
        return do(part)

    context = ResetContext(START, np.zeros(4, np.float32), np.random.default_rng(0))
    with pytest.raises(PartFailed, match=r"what is in the hand is no peg: 34\.0 mm wide"):
        run_routine(ROUTINE.parts(context), ignored)
    assert not any(isinstance(part, Move) for part in cell.parts)


@pytest.mark.parametrize("hand", ["", "star"])
def test_a_gripper_that_does_not_answer_is_no_empty_hand(hand):
    cell = Cell(hand)
    cell.saved = before = {"hand": hand, "episodes": {}}
    silent = PartResult(cell.position, width=float("nan"))
    cell._grip = lambda part: (_ for _ in ()).throw(PartFailed(part, "no answer", silent))
    with pytest.raises(PartFailed, match="no answer"):
        cell.reset()
    assert cell.saved == before and len(cell.parts) == 1, "nothing moved, nothing is believed"


@pytest.mark.parametrize("blocked", [1, 2, 3])
def test_a_person_is_asked_to_clear_a_place_that_the_peg_does_not_reach(blocked):
    cell, tried = Cell("star"), []
    do = cell._move

    def occupied(part: Move) -> None:
        if part.target is not None and np.allclose(part.target, SHELF.in_place("star")):
            tried.append(cell.known)
            if len(tried) <= blocked:
                raise PartFailed(part, "0.4 off the target")
        do(part)

    cell._move = occupied
    if blocked < 3:
        assert cell.reset(peg="arrow") == {"peg": "arrow"}
    else:
        with pytest.raises(PartFailed, match=r"0\.4 off the target"):
            cell.reset(peg="arrow")
        assert cell.hand == "star" == cell.saved["hand"]
    clear = "clear place 0 of the shelf: the star peg does not reach it (0.4 off the target)"
    assert cell.requests == [clear][: blocked - 1] and set(tried) == {"star"}


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
            except Killed:
                cell.known = None  # the node starts anew
        cell.kill_after = -1
        options = cell.reset(1000 + trial)
        assert options["peg"] == cell.hand == cell.saved["hand"]
        assert len(cell.shelf) == 2 and not cell.requests and len(cell.parts) > begun


def test_killed_on_the_way_from_the_shelf_the_peg_that_was_put_back_is_not_lost():
    cell = Cell("star")
    cell.saved = {"hand": "star", "episodes": {}}
    cell.kill_at("put_back", Move, "arrow")
    cell.position = SHELF.over("star")  # half the way, or all of it
    assert cell.reset(peg="arrow") == {"peg": "arrow"} and not cell.requests
