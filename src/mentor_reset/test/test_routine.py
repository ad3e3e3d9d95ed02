"""The routine of App. C.4, step by step, without ROS."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mentor_common.tasks.task import load_task
from mentor_reset.episode_numbers import EpisodeNumbers
from mentor_reset.routines.attempt import StageFailed, run_routine
from mentor_reset.routines.routine import BEGIN, STAGES, Move, Rest, make_routine, progress_of
from mentor_reset.routines.stillness import Stillness

TASK = load_task(Path(__file__).parents[3] / "launch" / "tasks" / "cable_routing.yaml")
AXES = TASK.workspace.names
START = np.array([0.1, 0.8], np.float32)


class Recorder:
    """A body that goes where it is told and remembers it."""

    def __init__(self, position, fails_at: str = "") -> None:
        self.position, self.fails_at = np.array(position), fails_at
        self.parts = []

    def move(self, part):
        self.parts.append(part)
        if part.stage == self.fails_at:
            raise StageFailed(part.stage, "cable torn")
        if part.target is not None:
            self.position = np.array(part.target)
        return self.position

    def rest(self, part):
        self.parts.append(part)
        return self.position


def run(body, reset=TASK.reset):
    told = []
    run_routine(make_routine(reset, AXES, START), body, lambda part: told.append(part.stage))
    return told


def test_it_releases_lifts_goes_to_the_start_waits_and_begins_in_this_order():
    body = Recorder([-0.5, -0.9])
    stages = ["release_tension", "lift", "move_to_start", "wait_until_still", BEGIN]
    assert run(body) == stages
    assert [part.stage for part in body.parts] == stages


def test_it_lifts_straight_up_from_where_the_episode_ended_and_not_beyond_the_workspace():
    body = Recorder([-0.5, -0.9])
    run(body)
    lift = next(part for part in body.parts if part.stage == "lift")
    assert lift.target == pytest.approx([-0.5, -0.9 + 0.5])
    high = Recorder([-0.5, 0.9])
    run(high)
    assert next(p for p in high.parts if p.stage == "lift").target == pytest.approx([-0.5, 1.0])


def test_only_the_last_move_begins_the_episode_and_it_ends_at_the_start():
    body = Recorder([-0.5, -0.9])
    run(body)
    moves = [part for part in body.parts if isinstance(part, Move)]
    assert [move.begins_episode for move in moves] == [False] * (len(moves) - 1) + [True]
    assert (moves[-1].target == START).all() and (body.position == START).all()
    rest = next(part for part in body.parts if isinstance(part, Rest))
    assert (rest.seconds, rest.distance) == (TASK.reset.still_time, TASK.reset.still_distance)


def test_a_stage_that_fails_ends_the_attempt_and_is_named():
    body = Recorder([-0.5, -0.9], fails_at="lift")
    with pytest.raises(StageFailed, match="stage 'lift': cable torn"):
        run(body)
    assert body.parts[-1].stage == "lift"


def test_a_routine_that_nobody_has_written_is_refused_by_name():
    with pytest.raises(ValueError, match=r"'tabletop_golf' is unknown; known: \['cable_routing'\]"):
        make_routine(replace(TASK.reset, routine="tabletop_golf"), AXES, START)


def test_progress_grows_with_the_stages():
    shares = [progress_of(stage, STAGES) for stage in (*STAGES, BEGIN)]
    assert shares == sorted(shares) and shares[0] == 0.0 and shares[-1] < 1.0


def test_what_moves_is_not_still_until_it_has_rested_for_the_whole_time():
    stillness = Stillness(0.2, 0.02)
    assert not stillness.still(0.0), "no position is known yet"
    for index in range(10):
        stillness.tell(np.array([0.05 * index]), 0.1 * index)
        assert not stillness.still(0.1 * index)
    stillness.tell(np.array([0.45]), 1.0)
    assert not stillness.still(1.05) and stillness.still(1.2)


def test_a_slow_drift_is_not_still():
    stillness = Stillness(1.0, 0.02)
    for index in range(100):
        stillness.tell(np.array([0.005 * index]), 0.1 * index)
        assert not stillness.still(0.1 * index)


def test_episode_numbers_start_at_the_time_in_milliseconds_and_count_up():
    numbers = EpisodeNumbers(lambda: 1_700_000_000.1234)
    assert [numbers.next() for _ in range(3)] == [1_700_000_000_123 + i for i in range(3)]
