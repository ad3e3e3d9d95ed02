"""How single parts are carried out: gripper, waits, a person's help, saved state; without ROS."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mentor_common.node.remote_action import Cancelled, RemoteTimeout
from mentor_common.tasks.episode_draw import EpisodeDraw
from mentor_common.tasks.reset_routine import AskForHelp, Grip, Move, PartFailed, Rest, Save, Wait
from mentor_msgs.action import Gripper, MoveTo
from mentor_reset.execution.help_request import HelpRequest
from mentor_reset.execution.part_runner import CellAccess, NewEpisode, PartRunner
from mentor_reset.execution.saved_state import SavedState

START = np.array([0.1, 0.5], np.float32)
OFFSET = np.array([0.05, -0.1], np.float32)


class FakeGoal:
    """A goal of reset_episode that remembers its feedback."""

    def __init__(self) -> None:
        self.cancelled, self.sent = False, []

    def feedback(self, **fields):
        self.sent.append(fields)

    def check(self):
        if self.cancelled:
            raise Cancelled("cancelled")


class FakeAction:
    """An action that answers as it is told to."""

    def __init__(self, answer) -> None:
        self.answer, self.goals = answer, []

    def call(self, goal, timeout, *, cancelled):
        self.goals.append(goal)
        answer = self.answer(goal)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Bench:
    """A cell whose clock goes on by itself, or in lockstep with each move."""

    def __init__(self, tmp_path, lockstep=False) -> None:
        self.time, self.lockstep, self.announced, self.started = 0, lockstep, [], []
        self.move_to = FakeAction(self._moved)
        self.gripper = FakeAction(
            lambda goal: Gripper.Result(success=True, grasped=True, width=0.02)
        )
        self.goal = FakeGoal()
        self.cell = CellAccess(
            move_to=self.move_to,
            gripper=self.gripper,
            position=lambda: np.zeros(2),
            ros_time=self._now,
            waiting_for=lambda: "",
            announce_start=self.started.append,
            help=HelpRequest(),
            announce_help=self.announced.append,
            saved=SavedState(tmp_path / "state.json"),
            axes=("x", "z"),
            speed=0.5,
            tolerance=lambda: 0.1,
            move_timeout=lambda: 5.0,
        )

    def runner(self, seconds=10.0):
        episode = NewEpisode(7, 3, EpisodeDraw(START, OFFSET, 11, 3), {"colour": "red"})
        return PartRunner(self.cell, self.goal, episode, time.monotonic() + seconds, lambda s: 0.5)

    def _now(self):
        return self.time if self.lockstep else time.monotonic_ns()

    def _moved(self, goal):
        self.time += 100_000_000
        reached = list(goal.target) or [0.0, 0.0]
        return MoveTo.Result(success=True, reached=reached)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_the_move_that_begins_the_episode_carries_what_was_drawn_and_is_announced_first(bench):
    part = Move("begin_episode", START, begins_episode=True, options={"peg": "star"})
    bench.runner().carry_out(part)
    (goal,), (start,) = bench.move_to.goals, bench.started
    assert (goal.episode, goal.seeded, goal.seed) == (7, True, 3)
    assert np.array_equal(np.array(goal.window_offset, np.float32), OFFSET)
    assert start.options == {"colour": "red", "peg": "star"} and start.number == 7


def test_a_grasp_is_sent_as_it_is_and_its_result_stays_known(bench):
    runner = bench.runner()
    result = runner.carry_out(Grip("take_peg", "grasp", width=0.02, force=20.0))
    (goal,) = bench.gripper.goals
    assert (goal.command, goal.width, goal.force) == ("grasp", 0.02, 20.0)
    assert (result.grasped, result.width) == (True, 0.02)
    assert runner.carry_out(Move("lift", START)).grasped


def test_a_grasp_that_holds_nothing_fails_with_the_width_that_was_reached(bench):
    bench.gripper.answer = lambda goal: Gripper.Result(success=False, message="empty", width=0.001)
    with pytest.raises(PartFailed, match="stage 'take_peg': empty") as caught:
        bench.runner().carry_out(Grip("take_peg", "grasp", width=0.02))
    assert caught.value.result.width == 0.001 and not caught.value.result.grasped


def test_an_action_that_never_answers_fails_the_part(bench):
    bench.gripper.answer = lambda goal: RemoteTimeout("the action gripper never answers")
    with pytest.raises(PartFailed, match=r"never answers in 5\.0 s") as caught:
        bench.runner().carry_out(Grip("open", "release"))
    assert math.isnan(caught.value.result.width), "where the fingers stand is not known"


def test_a_wait_ends_as_soon_as_its_condition_holds(bench):
    checks = iter([False, False, True])
    bench.runner().carry_out(Wait("collect", lambda: next(checks), 5.0, "the ball"))
    assert next(checks, None) is None and not bench.move_to.goals


def test_a_wait_that_takes_too_long_names_what_did_not_come(bench):
    with pytest.raises(PartFailed, match=r"stage 'collect': the ball did not come in 0\.\d s"):
        bench.runner().carry_out(Wait("collect", lambda: False, 0.1, "the ball"))


def test_a_condition_that_cannot_be_checked_fails_the_part(bench):
    def broken():
        raise OSError("no light sensor on pin 4")

    with pytest.raises(PartFailed, match="the ball cannot be checked: no light sensor on pin 4"):
        bench.runner().carry_out(Wait("collect", broken, 5.0, "the ball"))


def test_in_lockstep_a_wait_has_the_arm_stay_so_that_time_goes_on(tmp_path):
    bench = Bench(tmp_path, lockstep=True)
    bench.runner().carry_out(Wait("collect", lambda: bench.time >= 500_000_000, 5.0, "the ball"))
    assert len(bench.move_to.goals) == 5
    assert all(not goal.target and not goal.begins_episode for goal in bench.move_to.goals)


def test_an_arm_that_does_not_stay_fails_a_move_and_not_the_wait(tmp_path):
    bench = Bench(tmp_path, lockstep=True)
    bench.move_to.answer = lambda goal: MoveTo.Result(success=False, message="reflex: contact")
    with pytest.raises(PartFailed, match="stage 'collect': reflex: contact") as failure:
        bench.runner().carry_out(Wait("collect", lambda: False, 5.0, "the ball"))
    assert isinstance(failure.value.part, Move)


def test_a_rest_in_lockstep_does_not_wait_for_time_that_stands(tmp_path):
    Bench(tmp_path, lockstep=True).runner(5.0).carry_out(Rest("still", 60.0, 0.02))


def test_a_request_for_help_is_announced_and_ends_with_the_answer(bench):
    runner = bench.runner()
    until = runner.until
    part = AskForHelp("take_peg", "put the star peg into the shelf", 30.0)
    person = threading.Thread(target=lambda: _answer(bench.cell.help))
    person.start()
    runner.carry_out(part)
    person.join()
    assert bench.announced == ["put the star peg into the shelf", ""]
    assert runner.until > until, "a person's time does not count for the reset"
    assert not bench.cell.help.answer(), "nothing is asked for any more"


def test_an_answer_that_is_sent_again_does_not_answer_the_next_request(monkeypatch):
    help_request = HelpRequest()
    help_request.open("hold the peg")
    assert help_request.answer() == "hold the peg"
    help_request.close()
    help_request.open("take the peg away")
    assert help_request.answer() == "" and not help_request.wait(0.0)
    monkeypatch.setattr("mentor_reset.execution.help_request.REPEATED", 0.0)
    assert help_request.answer() == "take the peg away" and help_request.wait(0.0)


def test_a_request_that_nobody_answers_fails_the_part_and_a_cancelled_one_stops(bench):
    part = AskForHelp("take_peg", "free the shelf", 0.05)
    with pytest.raises(PartFailed, match=r"nobody answered in 0\.05 s: free the shelf"):
        bench.runner().carry_out(part)
    bench.goal.cancelled = True
    with pytest.raises(Cancelled, match="a person: free the shelf"):
        bench.runner().carry_out(replace(part, timeout=30.0))
    assert bench.announced[-1] == ""


def test_what_is_saved_is_on_the_disk_before_the_next_part(bench, tmp_path):
    bench.runner().carry_out(Save("put_peg", {"peg": "star"}))
    assert SavedState(tmp_path / "state.json").load() == {"peg": "star"}


def test_what_is_no_part_is_refused(bench):
    with pytest.raises(TypeError, match="is no part"):
        bench.runner().carry_out(SimpleNamespace(stage="lift"))


def _answer(request):
    until = time.monotonic() + 60.0
    while not request.text and time.monotonic() < until:
        time.sleep(0.002)
    assert request.answer() == "put the star peg into the shelf"
