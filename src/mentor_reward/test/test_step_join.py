"""What is known of a step is brought together whatever its order."""

from __future__ import annotations

from itertools import permutations

import pytest

from mentor_reward.step_join import StepJoin


def tell(join: StepJoin, part: str, now: float, step: int = 1) -> None:
    getattr(join, f"add_{part}")(7, step, f"{part}-{step}", now)


@pytest.mark.parametrize("order", list(permutations(["motion", "observation", "truth"])))
def test_a_step_leaves_once_all_of_it_has_come_in_any_order(order):
    join = StepJoin(needs_truth=True, timeout_s=2.0)
    for part in order:
        assert join.collect(0.0) == []
        tell(join, part, 0.0)
    (step,) = join.collect(0.0)
    assert (step.motion, step.observation, step.truth) == ("motion-1", "observation-1", "truth-1")
    assert step.missing == () and join.waiting == 0


def test_the_truth_is_not_waited_for_when_it_is_not_needed():
    join = StepJoin(needs_truth=False, timeout_s=2.0)
    tell(join, "truth", 0.0)
    tell(join, "observation", 0.0)
    tell(join, "motion", 0.0)
    (step,) = join.collect(0.0)
    assert step.truth is None and step.missing == ()


def test_what_never_comes_is_named_in_bounded_time():
    join = StepJoin(needs_truth=True, timeout_s=2.0)
    tell(join, "motion", 10.0)
    assert join.collect(11.99) == []
    (step,) = join.collect(12.0)
    assert step.missing == ("observation", "truth")


def test_a_step_leaves_once_and_what_comes_after_it_is_counted_and_dropped():
    join = StepJoin(needs_truth=False, timeout_s=2.0)
    tell(join, "motion", 0.0)
    tell(join, "motion", 0.0)
    assert len(join.collect(2.0)) == 1
    tell(join, "observation", 2.1)
    assert join.collect(99.0) == [] and join.duplicates == 2


def test_one_step_does_not_wait_for_another():
    join = StepJoin(needs_truth=False, timeout_s=2.0)
    tell(join, "motion", 0.0, step=1)
    tell(join, "motion", 0.1, step=2)
    tell(join, "observation", 0.1, step=2)
    assert [step.step for step in join.collect(0.2)] == [2]
    assert [step.step for step in join.collect(2.0)] == [1]


def test_a_step_taken_out_early_does_not_come_again():
    join = StepJoin(needs_truth=False, timeout_s=2.0)
    tell(join, "motion", 0.0)
    assert join.finish(7, 1).motion == "motion-1"
    assert join.finish(7, 1) is None
    tell(join, "observation", 0.1)
    assert join.collect(99.0) == []
