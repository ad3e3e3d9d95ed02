"""The join: brings the parts of a step together by (episode, step).

Every consumer of the stream uses it. They differ in which parts make a step whole (RosEnv: the
observation and the reward; a learner node and the reader of bags: also the action; the reward node:
what its RewardModel needs; the stacker: the motion and its frames; a comparison of a
bag: what was recorded and what is made of it now), in how long a part is waited for, and in what
they know already when they start. test/test_join_users.py holds each of them to one suite.

A step *leaves* when it is handed on: whole, or incomplete once it has waited too long.

Numbers of episodes have no order here. Two servers of ``reset_episode`` choose theirs independently
(see :mod:`mentor_common.messages.episode_numbers`), so nothing becomes late because a larger number
has been seen: a part is dropped only if its step has left, if it has arrived before, if it is not
expected, or if too many newer steps wait.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class StepKey(NamedTuple):
    """Which step of which episode; keys of two episodes have no order in time."""

    episode: int
    step: int


@dataclass
class JoinedStep:
    """What is known of one step.

    Attributes:
        key: which step.
        since: when its first part arrived, seconds of the caller's clock.
        parts: what arrived, by the name of the part.
        missing: names of the parts that it left without.
        skipped: steps of the same episode between the newest that had left and this one.
    """

    key: StepKey
    since: float
    parts: dict[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    skipped: int = 0


@dataclass
class JoinCounts:
    """Counts of steps and parts by outcome.

    Attributes:
        whole: steps that left with all their parts.
        incomplete: steps that left without some of them.
        duplicates: parts that had arrived before, or whose step has left.
        strays: parts that nobody expected, or whose step was dropped before it was whole.
        invalid: messages that contradict themselves or the environment's description.
    """

    whole: int = 0
    incomplete: int = 0
    duplicates: int = 0
    strays: int = 0
    invalid: int = 0


class StepJoin:
    """Joins parts by (episode, step) in whatever order they arrive; each step leaves once.

    Args:
        parts: names of all parts that may come.
        needs: returns the parts that make a step whole, by its number in the episode; None for a
            step that only leaves by :meth:`finish`. Default: all parts.
        timeout: seconds after its first part at which a step leaves incomplete.
        pending: how many steps may wait. If one more comes, the one that has waited longest is
            dropped: among the episodes of which no step has left yet, if there are any (they may be
            a stranger's).
        history: steps that have left and are remembered, to know a duplicate.
        ordered: whether the steps of an episode leave in the order of their numbers, so that a step
            below the newest that has left is a duplicate.
        known: newest step of each episode that left before a restart, oldest episode first; up to
            these, parts are duplicates.
    """

    def __init__(
        self,
        parts: Sequence[str],
        *,
        needs: Callable[[int], Sequence[str] | None] | None = None,
        timeout: float = math.inf,
        pending: int = 512,
        history: int = 4096,
        ordered: bool = False,
        known: Mapping[int, int] | None = None,
    ) -> None:
        every = tuple(parts)
        self._parts = frozenset(every)
        self._needs = needs or (lambda _: every)
        self.timeout = timeout
        self.pending = pending
        self.history = history
        self.counts = JoinCounts()
        self.expects: Callable[[StepKey], bool] = lambda _: True
        """Whether a step is waited for at all; parts of others are strays."""
        self.outlives: Callable[[JoinedStep], bool] = lambda _: False
        """Whether a step continues waiting when its time is over."""
        self._ordered = ordered
        self._restored = dict(known or {})
        self._newest: OrderedDict[int, int] = OrderedDict(self._restored)
        self._left: OrderedDict[StepKey, None] = OrderedDict()
        self._open: OrderedDict[StepKey, JoinedStep] = OrderedDict()
        self._whole: OrderedDict[StepKey, None] = OrderedDict()

    # Parts come in.

    def add(self, part: str, episode: int, step: int, value: Any, now: float = 0.0) -> bool:
        """Take a part of a step.

        Args:
            part: its name.
            episode: number of the episode.
            step: number of the step in the episode.
            value: the part itself.
            now: seconds of a monotonic clock.
        Returns: whether the part is kept; if not, it is counted as a duplicate or a stray.
        Raises: ValueError for a name that is none of the join's parts.
        """
        if part not in self._parts:
            raise ValueError(f"join: part '{part}' is unknown; known: {sorted(self._parts)}")
        key = StepKey(episode, step)
        waiting = self._open.get(key)
        if self.has_left(key) or (waiting is not None and part in waiting.parts):
            self.counts.duplicates += 1
            return False
        if not self.expects(key):
            self.counts.strays += 1
            return False
        if waiting is None:
            waiting = self._open[key] = JoinedStep(key, now)
        waiting.parts[part] = value
        if self._is_whole(waiting):
            self._whole.setdefault(key)
        if len(self._open) > self.pending:
            self._make_room()
        return True

    # Steps leave.

    def whole(self) -> list[JoinedStep]:
        """Return the steps that are whole and wait, in the order in which they became so."""
        return [self._open[key] for key in self._whole]

    def collect(self, now: float = 0.0) -> list[JoinedStep]:
        """Have the steps leave that are whole or whose time is over.

        Args:
            now: seconds of the clock of :meth:`add`.
        Returns: the whole ones in the order in which they became so, then the incomplete ones, the
            longest waiting first.
        """
        leaving = [self._leave(key) for key in list(self._whole)]
        for waiting in self:
            if now - waiting.since < self.timeout:
                break
            if not self.outlives(waiting):
                leaving.append(self._leave(waiting.key))
        return leaving

    def finish(self, episode: int, step: int) -> JoinedStep | None:
        """Have a step leave as it is, e.g. because its motion failed; None if it does not wait."""
        key = StepKey(episode, step)
        return self._leave(key) if key in self._open else None

    def drop(self, unwanted: Callable[[StepKey], bool] = lambda _: True) -> None:
        """Drop the steps that wait and are unwanted; their parts count as strays."""
        for key in [key for key in self._open if unwanted(key)]:
            self._drop(key)

    # What there is.

    def __len__(self) -> int:
        """Return how many steps wait."""
        return len(self._open)

    def __iter__(self) -> Iterator[JoinedStep]:
        """Iterate over the steps that wait, oldest first; any of them may leave meanwhile."""
        return iter(list(self._open.values()))

    def waiting(self, episode: int, step: int) -> JoinedStep | None:
        """Return what has arrived of a step that has not left; None if nothing has."""
        return self._open.get(StepKey(episode, step))

    def has_left(self, key: StepKey) -> bool:
        """Return whether a step has left, here or before the restart."""
        known = self._newest if self._ordered else self._restored
        return key in self._left or key.step <= known.get(key.episode, -1)

    def newest(self, episode: int) -> int:
        """Return the newest step of an episode that has left, -1 if none has."""
        return self._newest.get(episode, -1)

    # Inner workings.

    def _missing(self, waiting: JoinedStep) -> tuple[str, ...]:
        needed = self._needs(waiting.key.step) or ()
        return tuple(part for part in needed if part not in waiting.parts)

    def _is_whole(self, waiting: JoinedStep) -> bool:
        return self._needs(waiting.key.step) is not None and not self._missing(waiting)

    def _leave(self, key: StepKey) -> JoinedStep:
        leaving = self._open.pop(key)
        self._whole.pop(key, None)
        leaving.missing = self._missing(leaving)
        leaving.skipped = max(0, key.step - self.newest(key.episode) - 1)
        self.counts.whole += not leaving.missing
        self.counts.incomplete += bool(leaving.missing)
        self._remember(key)
        return leaving

    def _remember(self, key: StepKey) -> None:
        self._left[key] = None
        if len(self._left) > self.history:
            self._left.popitem(last=False)
        self._newest[key.episode] = max(key.step, self.newest(key.episode))
        self._newest.move_to_end(key.episode)
        if len(self._newest) > max(self.history, len(self._restored)):
            self._newest.popitem(last=False)

    def _make_room(self) -> None:
        """Drop the step that has waited longest, one of an episode of which none has left first:
        a flood of made-up episodes pushes nothing out that belongs to a running one."""
        unknown = (key for key in self._open if key.episode not in self._newest)
        self._drop(next(unknown, next(iter(self._open))))

    def _drop(self, key: StepKey) -> None:
        self._whole.pop(key, None)
        self.counts.strays += len(self._open.pop(key).parts)
