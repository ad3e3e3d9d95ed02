"""What every user of the join must do, written once: each user brings an adapter and passes it.

test/test_join_users.py holds all of them to it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol

from hypothesis import given, settings
from hypothesis import strategies as st

Key = tuple[int, int]
HUGE = 2**64 - 1
"""The largest episode number that fits a message."""
LENGTH = 4
"""Steps of an episode of the suite, after step 0."""


class JoinUser(Protocol):
    """A user of the join, made anew for each example.

    Attributes:
        parts: names of the parts that make up a step other than step 0.
        ahead: in which order parts of several steps may come: "any", "topic" (each part's topic is
            in order by itself) or "step" (a step is awaited before the next one begins).
        remembers: whether a restarted user knows what had left before.
    """

    parts: tuple[str, ...]
    ahead: str
    remembers: bool

    def begin(self, episode: int) -> None:
        """The cell begins an episode (step 0 is part of the setting and always whole)."""

    def give(self, part: str, episode: int, step: int) -> None:
        """A part of a step comes."""

    def left(self) -> list[Key]:
        """The whole steps, from step 1 on, that left since the last call."""

    def dropped(self) -> int:
        """Parts that were counted as duplicates or strays so far."""

    def waiting(self) -> int:
        """Steps that wait."""

    def restart(self) -> None:
        """The user's process is started again."""


def steps_of(episodes: list[int]) -> list[Key]:
    return [(episode, step) for episode in episodes for step in range(1, LENGTH + 1)]


def stream(user: JoinUser, episodes: list[int], rng: random.Random) -> list[tuple[str, Key]]:
    """The parts of whole episodes, in one of the orders that the user must bear."""
    keys = steps_of(episodes)
    if user.ahead == "step":
        return [(part, key) for key in keys for part in rng.sample(user.parts, len(user.parts))]
    if user.ahead == "any":
        parts = [(part, key) for part in user.parts for key in keys]
        rng.shuffle(parts)
        return parts
    by_topic = {part: list(keys) for part in user.parts}
    parts = []
    while any(by_topic.values()):
        part = rng.choice([part for part, waiting in by_topic.items() if waiting])
        parts.append((part, by_topic[part].pop(0)))
    return parts


class Player:
    """Gives parts to a user, beginning the episodes as they come up; collects what leaves."""

    def __init__(self, user: JoinUser) -> None:
        self.user = user
        self.left: list[Key] = []
        self._begun: set[int] = set()

    def play(self, parts: list[tuple[str, Key]]) -> None:
        for part, (episode, step) in parts:
            if episode not in self._begun:
                self._begun.add(episode)
                self.user.begin(episode)
            self.user.give(part, episode, step)
            self.left += self.user.left()


def check_every_step_leaves_once_in_any_order(make: Callable[[], JoinUser]) -> None:
    """Give whole episodes in any order that the user must bear, each part once or twice."""

    @settings(max_examples=60)
    @given(seed=st.integers(0, 2**32), doubled=st.booleans(), episodes=_episodes())
    def check(seed: int, doubled: bool, episodes: list[int]) -> None:
        user, rng = make(), random.Random(seed)
        player = Player(user)
        parts = stream(user, episodes, rng)
        again = [item for item in parts for _ in range(2)] if doubled else parts
        player.play(again)
        assert sorted(player.left) == sorted(steps_of(episodes))
        assert user.dropped() == len(again) - len(parts)
        if user.ahead != "any":
            assert player.left == steps_of(episodes)  # in the order in which they were taken
        assert user.waiting() == 0

    check()


def check_no_number_makes_later_ones_look_old(make: Callable[[], JoinUser]) -> None:
    """Give a whole step of an episode that nobody began, with a huge number, between others."""
    for stranger in (HUGE, 2**62):
        user, rng = make(), random.Random(0)
        player = Player(user)
        ours = [10, 11, 5, 12]  # one of them of another server, which numbers as it likes
        player.play(stream(user, ours[:1], rng))
        for part in user.parts:  # a whole step that nobody began, in the middle of an episode
            user.give(part, stranger, 1)
        user.left()
        player.play(stream(user, ours[1:], rng))
        assert sorted(player.left) == sorted(steps_of(ours))


def check_strays_leave_nothing(make: Callable[[], JoinUser]) -> None:
    """Give parts of made-up episodes anywhere in a running one."""

    @settings(max_examples=15)
    @given(seed=st.integers(0, 2**32), at=st.integers(0, 8))
    def check(seed: int, at: int) -> None:
        user, rng = make(), random.Random(seed)
        player = Player(user)
        parts = [(part, key) for key in steps_of([7]) for part in user.parts]
        player.play(parts[:at])
        for number in range(40):
            user.give(user.parts[number % len(user.parts)], rng.randrange(2**64), 1 + number % 9)
            assert user.left() == []
        player.play(parts[at:])
        player.play(stream(user, [8], rng))
        assert sorted(player.left) == steps_of([7, 8])

    check()


def check_a_flood_of_strays_takes_no_more_memory(make: Callable[[], JoinUser]) -> None:
    """Give thousands of made-up episodes while a step is not whole."""
    user, rng = make(), random.Random(1)
    player = Player(user)
    parts = [(part, key) for key in steps_of([7]) for part in user.parts]
    middle = len(user.parts) + 1  # a step has left, and the next one is not whole
    player.play(parts[:middle])
    for number in range(3000):
        user.give(user.parts[0], rng.randrange(2**64), 1 + number % 9)
    assert user.left() == [] and user.waiting() <= 1100
    player.play(parts[middle:])
    player.play(stream(user, [8], rng))
    assert sorted(player.left) == steps_of([7, 8])


def check_a_restart_repeats_nothing_and_loses_nothing(make: Callable[[], JoinUser]) -> None:
    """Start a user again anywhere in the first two of three episodes."""

    @settings(max_examples=20)
    @given(seed=st.integers(0, 2**32), share=st.floats(0.0, 0.6))
    def check(seed: int, share: float) -> None:
        user, rng = make(), random.Random(seed)
        parts = stream(user, [21, 22, 23], rng)
        player = Player(user)
        cut = int(share * len(parts))
        player.play(parts[:cut])
        user.restart()
        if user.remembers:  # the topics give what they keep once more
            player.play(parts)
            assert sorted(player.left) == steps_of([21, 22, 23])
        else:  # it begins with what is new
            player.play(parts[cut:])
            assert len(set(player.left)) == len(player.left)
            old = {key for _, key in parts[:cut]} | set(steps_of([21, 22]))
            assert set(steps_of([23])) - old <= set(player.left)

    check()


CHECKS = (
    check_every_step_leaves_once_in_any_order,
    check_no_number_makes_later_ones_look_old,
    check_strays_leave_nothing,
    check_a_flood_of_strays_takes_no_more_memory,
    check_a_restart_repeats_nothing_and_loses_nothing,
)
"""The whole suite: each takes what makes a new user."""


def _episodes() -> st.SearchStrategy[list[int]]:
    """A few episodes: of one server in order, or of several, whose numbers have none."""
    counted = st.integers(1, 2**62).map(lambda first: [first, first + 1, first + 2])
    return counted | st.lists(st.integers(1, HUGE), min_size=1, max_size=3, unique=True)
