"""The parts of a step find each other by episode and step, whatever their order."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from join_suite import Key

from mentor_common.messages.join import StepJoin

PARTS = ("motion", "observation")


class BareJoin:
    """The join by itself, as a user of the suite."""

    parts = PARTS
    ahead = "any"
    remembers = True

    def __init__(self) -> None:
        self.join = StepJoin(PARTS)
        self.known: dict[int, int] = {}
        self.all: list[Key] = []

    def begin(self, episode: int) -> None:
        pass

    def give(self, part: str, episode: int, step: int) -> None:
        self.join.add(part, episode, step, (part, episode, step))

    def left(self) -> list[Key]:
        steps = self.join.collect()
        for step in steps:
            assert step.parts == {part: (part, *step.key) for part in PARTS} and not step.missing
        self.all += [tuple(step.key) for step in steps]
        return [tuple(step.key) for step in steps]

    def dropped(self) -> int:
        return self.join.counts.duplicates + self.join.counts.strays

    def waiting(self) -> int:
        return len(self.join)

    def restart(self) -> None:
        # It knows the steps that it had taken in a row of each episode.
        for episode, step in sorted(self.all):
            if step == self.known.get(episode, 0) + 1:
                self.known[episode] = step
        left = {key for key in self.all if key[1] > self.known.get(key[0], 0)}
        self.join = StepJoin(PARTS, known=self.known)
        for episode, step in left:
            for part in PARTS:
                self.give(part, episode, step)
        self.join.collect()


def add(join: StepJoin, part: str, now: float = 0.0, step: int = 1, episode: int = 7) -> bool:
    return join.add(part, episode, step, f"{part}-{step}", now)


@pytest.mark.parametrize("order", list(permutations(["motion", "observation", "truth"])))
def test_a_step_leaves_once_all_of_it_has_come(order: tuple[str, ...]) -> None:
    join = StepJoin(order)
    for part in order:
        assert join.collect() == []
        add(join, part)
    (step,) = join.collect()
    assert step.parts == {part: f"{part}-1" for part in order} and step.missing == ()


def test_what_never_comes_is_named_when_its_time_is_over() -> None:
    join = StepJoin(("motion", "observation", "truth"), timeout=2.0)
    add(join, "motion", now=10.0)
    assert join.collect(11.99) == []
    (step,) = join.collect(12.0)
    assert step.missing == ("observation", "truth") and join.counts.incomplete == 1
    assert not add(join, "observation", now=12.1) and join.counts.duplicates == 1


def test_one_step_does_not_wait_for_another() -> None:
    join = StepJoin(PARTS, timeout=2.0)
    add(join, "motion", 0.0, step=1)
    add(join, "motion", 0.1, step=2)
    add(join, "observation", 0.1, step=2)
    assert [step.key.step for step in join.collect(0.2)] == [2]
    assert [step.key.step for step in join.collect(2.0)] == [1]


def test_a_step_taken_out_early_does_not_come_again() -> None:
    join = StepJoin(PARTS)
    add(join, "motion")
    step = join.finish(7, 1)
    assert step is not None and step.parts == {"motion": "motion-1"}
    assert join.finish(7, 1) is None
    assert not add(join, "observation") and join.collect(99.0) == []


def test_a_step_says_how_many_of_its_episode_are_missing_before_it() -> None:
    join = StepJoin(("motion",))
    for step in (0, 1, 4):
        add(join, "motion", step=step)
    assert [step.skipped for step in join.collect()] == [0, 0, 2]


def test_parts_that_nobody_expects_are_strays() -> None:
    join = StepJoin(PARTS)
    join.expects = lambda key: key == (7, 1)
    assert add(join, "motion") and not add(join, "motion", step=2)
    assert not add(join, "motion", episode=8)
    assert join.counts.strays == 2 and len(join) == 1


def test_a_part_without_a_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="part 'reward' is unknown; known: \\['motion'"):
        add(StepJoin(PARTS), "reward")


@given(flood=st.integers(10, 200))
def test_a_flood_of_made_up_episodes_pushes_nothing_out_of_a_running_one(flood: int) -> None:
    join = StepJoin(PARTS, pending=8)
    for step in (1, 2):
        add(join, "motion", step=step)
    add(join, "observation", step=1)
    assert len(join.collect()) == 1
    for number in range(flood):
        add(join, "motion", episode=1000 + number)
    add(join, "observation", step=2)
    assert [tuple(step.key) for step in join.collect()] == [(7, 2)]
    assert len(join) == 7 and join.counts.strays == flood - 7


@pytest.mark.parametrize("pairs", [50_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_fifty_thousand_pairs_are_formed_in_no_more_memory_than_the_newest_need(pairs: int) -> None:
    join = StepJoin(PARTS, pending=8, history=16)
    left = 0
    for number in range(pairs):
        key = number // 100, number % 100
        join.add("motion", *key, number)
        assert join.collect() == []
        join.add("observation", *key, -number)
        (step,) = join.collect()
        left += step.parts == {"motion": number, "observation": -number}
    assert left == join.counts.whole == pairs
    assert (len(join), len(join._left), len(join._newest)) == (0, 16, 16)
