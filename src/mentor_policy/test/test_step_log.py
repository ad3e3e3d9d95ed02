"""An actor's step log: the steps after one in the order in which they were taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mentor_common.messages.frames import FrameLayout
from mentor_policy.agents.shape import Shape
from mentor_policy.distributed.step_log import StepLog
from mentor_policy.replay import Step

LAYOUT = FrameLayout(("side",), 3, 4, 4, False)
LATER, EARLIER = 2**40 + 1, 2**33 + 1
"""Episodes of two servers: the second one that was played has the smaller number."""


def log_of(folder: Path, capacity: int = 100) -> StepLog:
    log = StepLog(folder, Shape(LAYOUT, 0, 2), capacity)
    for episode in (LATER, LATER + 1, EARLIER, EARLIER + 1):
        for step in range(5):
            action = None if step == 0 else np.full(2, step / 8, np.float32)
            log.add(Step(episode, step, np.full(LAYOUT.shape, step, np.uint8), action))
    return log


def keys(steps) -> list[tuple[int, int]]:
    return [(step.episode, step.step) for step in steps]


ALL = [(e, k) for e in (LATER, LATER + 1, EARLIER, EARLIER + 1) for k in range(5)]


def test_steps_come_in_the_order_in_which_they_were_taken_whatever_their_episodes_numbers(
    tmp_path: Path,
) -> None:
    log = log_of(tmp_path)
    answer = log.after(LATER + 1, 3, 64)
    assert keys(answer.steps) == ALL[9:] and answer.found and not answer.more
    page = log.after(EARLIER, 1, 2)
    assert keys(page.steps) == ALL[12:14] and page.more
    assert keys(log.oldest(64).steps) == ALL
    log.close()


def test_a_learner_that_is_ahead_of_the_log_or_older_than_it_is_told_so(tmp_path: Path) -> None:
    log = log_of(tmp_path)
    ahead = log.after(EARLIER + 1, 7, 64)  # the step under way when the actor was stopped
    assert ahead.steps == () and ahead.found
    older = log.after(12345, 3, 64)
    assert keys(older.steps) == ALL and not older.found
    log.close()
