"""Steps come out of the three topics once, in order, and whole."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from join_suite import Key

from mentor_policy.distributed.assembly import Assembly, RewardOf
from mentor_policy.replay import Step

A = 2


def pixels(episode: int, step: int) -> np.ndarray:
    return np.full((3, 4, 4), (episode * 31 + step) % 256, np.uint8)


def act(episode: int, step: int) -> np.ndarray:
    return np.array([episode % 1000 / 100, step / 100], np.float32)


def messages(episode: int, length: int) -> list[tuple[str, int, int]]:
    stream = [("observation", episode, 0)]
    for k in range(1, length + 1):
        stream += [
            ("action", episode, k - 1),
            ("observation", episode, k),
            ("reward", episode, k),
        ]
    return stream


def add(assembly: Assembly, message, length: int, evaluation: bool = False) -> None:
    kind, e, k = message
    if kind == "observation":
        assembly.add_observation(e, k, pixels(e, k))
    elif kind == "action":
        assembly.add_action(e, k, act(e, k), evaluation)
    else:
        assembly.add_reward(e, k, RewardOf(e % 1000 + k / 8, truncated=k == length))


def feed(assembly: Assembly, message, length: int, evaluation: bool = False) -> list[Step]:
    add(assembly, message, length, evaluation)
    steps = list(assembly.steps())
    if assembly.gap:  # nobody to ask
        assembly.go_on()
        steps += list(assembly.steps())
    return steps


def keys(steps: list[Step]) -> list[tuple[int, int]]:
    return [(s.episode, s.step) for s in steps]


def whole(episodes: int, length: int) -> list[tuple[int, int]]:
    return [(e, k) for e in range(1, episodes + 1) for k in range(length + 1)]


@given(st.randoms(use_true_random=False))
def test_any_interleaving_of_the_topics_gives_every_step_once_and_in_order(random) -> None:
    length, episodes = 4, 3
    stream = [m for e in range(1, episodes + 1) for m in messages(e, length)]
    by_topic = {
        kind: [m for m in stream if m[0] == kind] for kind in ("observation", "action", "reward")
    }
    assembly, steps = Assembly(A), []
    while any(by_topic.values()):
        kind = random.choice([k for k, waiting in by_topic.items() if waiting])
        steps += feed(assembly, by_topic[kind].pop(0), length)
    assert keys(steps) == whole(episodes, length)
    assert all(s.valid for s in steps)
    for step in steps:
        assert (step.obs == pixels(step.episode, step.step)).all()
        if step.step:
            assert (step.action == act(step.episode, step.step - 1)).all()
            assert step.reward == step.episode % 1000 + step.step / 8
            assert step.truncated == (step.step == length)


def test_an_end_that_became_whole_behind_the_next_episode_leaves_before_it_once() -> None:
    assembly = Assembly(A)
    first, end = messages(1, 3)[:-3], messages(1, 3)[-3:]
    for message in first:
        add(assembly, message, 3)
    steps = list(assembly.steps())
    for message in [*messages(2, 1), *end]:  # the topics were heard again out of turn
        add(assembly, message, 3)
    steps += assembly.steps()
    assert keys(steps) == [*whole(1, 3), (2, 0), (2, 1)]
    assert all(s.valid for s in steps) and assembly.waiting == 0


def test_an_end_without_action_leaves_with_the_step_before_it() -> None:
    assembly = Assembly(A)
    lost = [("action", 1, 1), ("action", 1, 2)]
    for message in [m for m in messages(1, 3) if m not in lost] + messages(2, 2):
        add(assembly, message, 3)
    steps = list(assembly.steps())
    assert keys(steps) == [*whole(1, 3), (2, 0), (2, 1), (2, 2)]
    assert [s.step for s in steps if not s.valid] == [2, 3]
    assert assembly.counts.missing == 0


@given(st.data())
def test_whatever_the_order_no_step_leaves_twice_or_before_an_earlier_one(data) -> None:
    stream = [m for e in (1, 2, 3) for m in messages(e, 3)]
    assembly, steps = Assembly(A), []
    for message in data.draw(st.permutations(stream)):
        add(assembly, message, 3)
        if not data.draw(st.booleans()):
            continue
        steps += assembly.steps()
        if assembly.gap and data.draw(st.booleans()):
            assembly.go_on()
            steps += assembly.steps()
    assert len(set(keys(steps))) == len(steps)
    for episode in (1, 2, 3):
        of_it = [s.step for s in steps if s.episode == episode]
        assert of_it == sorted(of_it)


def test_what_comes_again_after_a_restart_is_a_duplicate() -> None:
    stream = [m for e in (1, 2) for m in messages(e, 3)]
    first = Assembly(A)
    before = [s for m in stream[:7] for s in feed(first, m, 3)]
    known = {}
    for step in before:
        known[step.episode] = step.step
    second = Assembly(A, known)
    after = [s for m in stream for s in feed(second, m, 3)]
    assert keys(before + after) == whole(2, 3)
    assert second.messages.duplicates == len(stream[:7])


def test_evaluation_episodes_are_left_out() -> None:
    assembly, steps = Assembly(A), []
    for episode, evaluation in ((1, False), (2, True), (3, False)):
        for message in messages(episode, 3):
            steps += feed(assembly, message, 3, evaluation)
    assert {s.episode for s in steps} == {1, 3}
    assert assembly.counts.evaluation == 4


@pytest.mark.parametrize("lost", ["action", "reward"])
def test_a_part_that_comes_no_more_is_not_waited_for_and_not_learned_from(lost: str) -> None:
    assembly, steps = Assembly(A), []
    for message in messages(1, 4):
        if message == (lost, 1, 1 if lost == "action" else 2):
            continue
        steps += feed(assembly, message, 4)
    assert keys(steps) == whole(1, 4)
    assert [s.step for s in steps if not s.valid] == [2]


def test_a_learner_that_comes_in_the_middle_of_an_episode_starts_from_there() -> None:
    assembly, steps = Assembly(A), []
    for message in [m for m in messages(1, 6) if m[2] >= 3] + messages(2, 6):
        steps += feed(assembly, message, 6)
    assert keys(steps) == [(1, 3), (1, 4), (1, 5), (1, 6), *whole(2, 6)[7:]]
    assert [(s.episode, s.step) for s in steps if not s.valid] == [(1, 3)]


def test_an_episode_that_was_left_does_not_hold_the_next_one_up() -> None:
    assembly, steps = Assembly(A), []
    for message in messages(1, 5)[:5] + messages(2, 5):  # no reward for step 2
        steps += feed(assembly, message, 5)
    assert {e for e, _ in keys(steps)} == {1, 2}
    assert keys(steps)[-6:] == [(2, k) for k in range(6)]
    assert all(a < b for a, b in pairwise(keys(steps)))


def test_steps_that_the_topics_forgot_are_asked_for_and_take_their_place() -> None:
    length = 6
    stream = [m for e in (1, 2, 3) for m in messages(e, length)]
    known = {1: 2}
    assembly = Assembly(A, known)
    for message in [m for m in stream if m[1:] >= (2, 4)]:  # all that the topics still hold
        add(assembly, message, length)
    assert list(assembly.steps()) == [] and assembly.gap
    steps = []
    remembered = [k for k in whole(3, length) if (1, 2) < k <= (3, 0)]
    for page in (remembered[:5], remembered[5:]):  # as the actor backfills them, page by page
        for e, k in page:
            add(assembly, ("observation", e, k), length)
            if k:
                add(assembly, ("action", e, k - 1), length)
                add(assembly, ("reward", e, k), length)
        steps += assembly.steps()
    assert keys(steps) == [k for k in whole(3, length) if k > (1, 2)]
    assert all(s.valid for s in steps) and assembly.counts.missing == 0


class AssembledSteps:
    """The learner's assembly; a restarted one knows what the replay has."""

    parts = ("observation", "action", "reward")
    ahead = "topic"
    remembers = True

    def __init__(self) -> None:
        self.assembly = Assembly(A)
        self.replay: dict[int, int] = {}

    def begin(self, episode: int) -> None:
        self.assembly.add_observation(episode, 0, pixels(episode, 0))

    def give(self, part: str, episode: int, step: int) -> None:
        if part == "observation":
            self.assembly.add_observation(episode, step, pixels(episode, step))
        elif part == "action":
            self.assembly.add_action(episode, step - 1, act(episode, step - 1), False)
        else:
            self.assembly.add_reward(episode, step, RewardOf(1.0))

    def left(self) -> list[Key]:
        steps = list(self.assembly.steps())
        while self.assembly.gap:  # nobody to ask
            self.assembly.go_on()
            steps += list(self.assembly.steps())
        for step in steps:
            self.replay[step.episode] = step.step
        return [key for key in keys(steps) if key[1]]

    def dropped(self) -> int:
        parts = self.assembly.messages
        return parts.duplicates + parts.strays + parts.invalid

    def waiting(self) -> int:
        return self.assembly.waiting

    def restart(self) -> None:
        self.assembly = Assembly(A, self.replay)


def test_an_episode_that_a_stranger_cuts_into_goes_on_as_it_was() -> None:
    assembly, steps = Assembly(A), []
    ours = messages(5, 4)
    for message in [*ours[:7], *messages(2**62, 1), *ours[7:], *messages(6, 4)]:
        steps += feed(assembly, message, 4)
    assert [k for k in keys(steps) if k[0] < 2**62] == [(e, k) for e in (5, 6) for k in range(5)]
    assert all(s.valid for s in steps)


def test_what_a_server_that_was_started_again_numbers_lower_is_not_late() -> None:
    assembly, steps = Assembly(A, {2**40: 7}), []
    for message in messages(17, 3):
        steps += feed(assembly, message, 3)
    assert keys(steps) == [(17, k) for k in range(4)]


def test_after_a_strangers_step_the_actor_is_asked_from_its_own_newest_one() -> None:
    session = 9 << 32
    assembly = Assembly(A)
    for message in [*messages(session + 1, 2), *messages(2**62, 1)]:
        feed(assembly, message, 2)
    for message in messages(session + 4, 2):  # two episodes went by
        add(assembly, message, 2)
    assert not list(assembly.steps()) and assembly.gap
    assert assembly.newest == (session + 1, 2)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e30])
def test_what_is_not_finite_is_left_out(value: float) -> None:
    assembly = Assembly(A)
    assembly.add_reward(1, 1, RewardOf(value))
    assembly.add_action(1, 0, np.full(A, value, np.float32), False)
    assert assembly.waiting == 0 and assembly.messages.invalid == 2
