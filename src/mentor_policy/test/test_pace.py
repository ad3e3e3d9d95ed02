"""An actor waits between episodes until its learner is no further behind than it may be."""

from __future__ import annotations

from mentor_policy.config import load_config
from mentor_policy.distributed import pace as module
from mentor_policy.distributed.pace import Pace
from mentor_policy.training.schedule import Schedule


def pace_of(behind: int) -> Pace:
    overrides = ["train.seed_frames=80", "train.update_every=2", "train.action_repeat=1"]
    return Pace(Schedule(load_config("mentor", "robot", overrides).train), behind)


def test_an_episode_begins_when_the_weights_lack_no_more_updates_than_they_may() -> None:
    pace = pace_of(10)
    assert pace.may_begin(80, 0) and pace.may_begin(98, 0)
    assert not pace.may_begin(100, 0) and pace.owed(100, 0) == 11
    assert pace.may_begin(100, 1) and not pace.may_begin(200, 50) and pace.may_begin(200, 51)
    assert pace_of(0).may_begin(10_000, 0)  # 0: it waits for nobody


def test_a_run_in_lockstep_may_also_do_more_updates_than_steps() -> None:
    overrides = ["train.seed_frames=80", "train.updates_per_step=2", "train.action_repeat=1"]
    schedule = Schedule(load_config("mentor", "robot", overrides).train)
    assert not schedule.train.asynchronous
    assert [schedule.updates_allowed(step) for step in (79, 80, 81, 100)] == [0, 2, 4, 42]


def test_a_learner_that_does_no_update_is_not_waited_for_for_ever(monkeypatch) -> None:
    pace, now = pace_of(10), [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    pace.restart()
    for update in (0, 1, 2):
        pace.progress(update, "weights")
        now[0] += module.STALLED - 1
        assert not pace.stalled()
    pace.progress(2, "weights")  # no further one
    now[0] += 2
    assert pace.stalled() and not pace.stalled(module.STARTING)


def test_weights_that_lag_behind_the_learners_reports_are_no_progress(monkeypatch) -> None:
    pace, now = pace_of(10), [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    pace.restart()
    for _ in range(4):  # both stand still
        pace.progress(90, "weights")
        pace.progress(100, "report")
        now[0] += module.STALLED / 3
    assert pace.stalled()
