"""Reset routines part by part, and what carries them out, without ROS."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mentor_common.tasks.reset_routine import (
    BEGIN_EPISODE,
    Grip,
    Move,
    PartFailed,
    PartResult,
    ResetContext,
    Rest,
    Save,
    make_routine,
)
from mentor_common.tasks.task import TaskError, load_task, parse_task
from mentor_reset.execution.attempt import progress_of, run_routine
from mentor_reset.execution.backoff import FIRST, LONGEST, backoff
from mentor_reset.execution.saved_state import SavedState
from mentor_reset.execution.stillness import Stillness
from mentor_reset.routines.cable_routing import CableRoutingReset

TASK_FILE = Path(__file__).parents[3] / "launch" / "tasks" / "cable_routing.yaml"
TASK = load_task(TASK_FILE)
START = np.array([0.1, 0.8], np.float32)
CONTEXT = ResetContext(START, np.zeros(2, np.float32), np.random.default_rng(0))


class Recorder:
    """Goes where it is told and remembers the parts."""

    def __init__(self, position, fails_at: str = "") -> None:
        self.position, self.fails_at = np.array(position, float), fails_at
        self.parts = []

    def __call__(self, part):
        self.parts.append(part)
        if part.stage == self.fails_at:
            raise PartFailed(part, "cable torn")
        if isinstance(part, Move) and part.target is not None:
            self.position = np.array(part.target)
        return PartResult(self.position)


def run(recorder):
    run_routine(make_routine(TASK).parts(CONTEXT), recorder)
    return [part.stage for part in recorder.parts]


def test_the_cable_is_released_and_lifted_before_the_arm_goes_to_the_start():
    stages = ["release_tension", "lift", "move_to_start", "wait_until_still", BEGIN_EPISODE]
    assert run(Recorder([-0.5, -0.9])) == stages
    assert [*make_routine(TASK).stages, BEGIN_EPISODE] == stages


def test_it_lifts_straight_up_from_where_the_episode_ended_and_not_beyond_the_workspace():
    for height, lifted in ((-0.9, -0.4), (0.9, 1.0)):
        recorder = Recorder([-0.5, height])
        run(recorder)
        lift = next(part for part in recorder.parts if part.stage == "lift")
        assert lift.target == pytest.approx([-0.5, lifted])


def test_only_the_last_move_begins_the_episode_and_it_ends_at_the_start():
    recorder = Recorder([-0.5, -0.9])
    run(recorder)
    moves = [part for part in recorder.parts if isinstance(part, Move)]
    assert [move.begins_episode for move in moves] == [False] * (len(moves) - 1) + [True]
    assert (moves[-1].target == START).all() and (recorder.position == START).all()
    rest = next(part for part in recorder.parts if isinstance(part, Rest))
    assert (rest.seconds, rest.distance) == (TASK.reset.still_time, TASK.reset.still_distance)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("{}", "'reset.settings.lift' is missing"),
        ("{lift: 2.5}", "from 0 to 2"),
        ("{lift: 0.5, lfit: 1}", "did you mean 'lift'"),
    ],
)
def test_settings_that_the_routine_does_not_know_are_refused_by_name(settings, said):
    text = TASK_FILE.read_text()
    assert "settings: {lift: 0.5}" in text
    task = parse_task(text.replace("settings: {lift: 0.5}", f"settings: {settings}"), "some.yaml")
    with pytest.raises(TaskError, match=r"some\.yaml") as caught:
        CableRoutingReset(task)
    assert said in str(caught.value)


def test_a_part_that_fails_ends_a_routine_that_does_not_catch_it_and_its_stage_is_named():
    recorder = Recorder([-0.5, -0.9], fails_at="lift")
    with pytest.raises(PartFailed, match="stage 'lift': cable torn"):
        run(recorder)
    assert recorder.parts[-1].stage == "lift"


def test_a_routine_may_catch_a_failure_and_go_another_way():
    def parts():
        try:
            yield Grip("take_peg", "grasp", width=0.02)
        except PartFailed as failure:
            assert failure.reason == "cable torn"
            yield Grip("open_again", "release", width=0.08)
        yield Move(BEGIN_EPISODE, START, begins_episode=True)

    recorder = Recorder([0.0, 0.0], fails_at="take_peg")
    assert run_routine(parts(), recorder).position == pytest.approx(START)
    assert [part.stage for part in recorder.parts] == ["take_peg", "open_again", BEGIN_EPISODE]


@pytest.mark.parametrize("begins", [False, True])
def test_a_routine_that_ends_without_an_episode_is_no_success(begins):
    def parts():
        try:
            yield Move("last", START, begins_episode=begins)
        except PartFailed:
            return

    with pytest.raises(RuntimeError, match="without a move that begins the episode"):
        run_routine(parts(), Recorder([0.0, 0.0], fails_at="last" if begins else ""))


def test_what_is_saved_once_the_episode_has_begun_ends_a_routine_too():
    def parts():
        yield Move(BEGIN_EPISODE, START, begins_episode=True)
        yield Save(BEGIN_EPISODE, {"episodes": 1})

    recorder = Recorder([0.0, 0.0])
    assert run_routine(parts(), recorder).position == pytest.approx(START)
    assert isinstance(recorder.parts[-1], Save)


def test_progress_grows_with_the_stages():
    stages = make_routine(TASK).stages
    shares = [progress_of(stage, stages) for stage in (*stages, BEGIN_EPISODE)]
    assert shares == sorted(set(shares)) and shares[0] == 0.0 and shares[-1] < 1.0


def test_pauses_after_failures_grow_and_stay_bounded():
    pauses = [backoff(failures) for failures in range(100)]
    assert pauses[:3] == [0.0, FIRST, 2.0 * FIRST]
    assert pauses == sorted(pauses) and pauses[-1] == LONGEST


def test_what_moves_is_not_still_until_it_has_rested_for_the_whole_time():
    stillness = Stillness(0.2, 0.02)
    assert not stillness.still(0.0), "no position is known yet"
    for index in range(10):
        stillness.add(np.array([0.05 * index]), 0.1 * index)
        assert not stillness.still(0.1 * index)
    stillness.add(np.array([0.45]), 1.0)
    assert not stillness.still(1.05) and stillness.still(1.2)


def test_a_slow_drift_is_not_still():
    stillness = Stillness(1.0, 0.02)
    for index in range(100):
        stillness.add(np.array([0.005 * index]), 0.1 * index)
        assert not stillness.still(0.1 * index)


def test_saved_state_is_empty_at_first_and_the_last_that_was_saved_later(tmp_path):
    saved = SavedState(tmp_path / "folder" / "state.json")
    assert saved.load() == {}
    saved.save({"peg": "star", "shelf": [True, False]})
    saved.save({"peg": None})
    assert SavedState(tmp_path / "folder" / "state.json").load() == {"peg": None}


@pytest.mark.parametrize("text", ["{", "[1]", "[" * 100_000, ""])
def test_a_damaged_saved_state_is_refused_with_the_way_out(tmp_path, text):
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"state\.json.*delete the file"):
        SavedState(path).load()


def test_saved_state_survives_being_killed_while_it_is_written(tmp_path):
    path = tmp_path / "state.json"
    script = (
        "import sys; from pathlib import Path; "
        "from mentor_reset.execution.saved_state import SavedState\n"
        "saved = SavedState(Path(sys.argv[1]))\n"
        "for i in range(10**9):\n saved.save({'i': i, 'filling': 'x' * 10_000})\n"
        " if i == 0: print(flush=True)\n"
    )
    for delay in (0.0, 0.003, 0.01):
        process = subprocess.Popen([sys.executable, "-c", script, path], stdout=subprocess.PIPE)
        process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(delay)
        process.kill()
        process.wait()
        assert len(SavedState(path).load()["filling"]) == 10_000
