"""Brings together what is known of a step: its motion, its observation and, if asked, the truth."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

_REMEMBERED_STEPS = 4096

M = TypeVar("M")
O = TypeVar("O")  # noqa: E741
T = TypeVar("T")


@dataclass
class StepEvidence(Generic[M, O, T]):
    """What is known of one step; ``missing`` names what never came."""

    episode: int
    step: int
    motion: M | None = None
    observation: O | None = None
    truth: T | None = None
    missing: tuple[str, ...] = ()
    since: float = field(default=0.0, compare=False)


class StepJoin(Generic[M, O, T]):
    """Pairs messages by (episode, step) in whatever order they come, each step once.

    A step is complete when its motion and observation (and truth, if ``needs_truth``) are there,
    and hopeless when that has not come about ``timeout_s`` after its first message. Times are
    seconds of a clock that only goes forward.
    """

    def __init__(self, *, needs_truth: bool, timeout_s: float) -> None:
        self.needs_truth = needs_truth
        self.timeout_s = timeout_s
        self._open: OrderedDict[tuple[int, int], StepEvidence[M, O, T]] = OrderedDict()
        self._done: OrderedDict[tuple[int, int], None] = OrderedDict()
        self.duplicates = 0

    @property
    def waiting(self) -> int:
        """Steps that are not complete yet."""
        return len(self._open)

    def add_motion(self, episode: int, step: int, motion: M, now: float) -> None:
        """Takes in the motion of a step."""
        self._add(episode, step, "motion", motion, now)

    def add_observation(self, episode: int, step: int, observation: O, now: float) -> None:
        """Takes in the observation of a step."""
        self._add(episode, step, "observation", observation, now)

    def add_truth(self, episode: int, step: int, truth: T, now: float) -> None:
        """Takes in the true states of a step; of no use, and dropped, unless they are needed."""
        if self.needs_truth:
            self._add(episode, step, "truth", truth, now)

    def _add(self, episode: int, step: int, part: str, value: object, now: float) -> None:
        key = (episode, step)
        if key in self._done:
            self.duplicates += 1
            return
        if key not in self._open:
            self._open[key] = StepEvidence(episode, step, since=now)
        if getattr(self._open[key], part) is not None:
            self.duplicates += 1
            return
        setattr(self._open[key], part, value)

    def finish(self, episode: int, step: int) -> StepEvidence[M, O, T] | None:
        """Takes a step out early, e.g. because its motion failed; None if it is not open."""
        evidence = self._open.pop((episode, step), None)
        if evidence is not None:
            self._remember(episode, step)
        return evidence

    def collect(self, now: float) -> list[StepEvidence[M, O, T]]:
        """Steps that became complete or hopeless by ``now``, in order of their first message."""
        left = []
        for evidence in list(self._open.values()):
            missing = self._missing(evidence)
            if not missing or now - evidence.since >= self.timeout_s:
                evidence.missing = missing
                self.finish(evidence.episode, evidence.step)
                left.append(evidence)
        return left

    def _missing(self, evidence: StepEvidence[M, O, T]) -> tuple[str, ...]:
        parts = (
            ("motion", "observation", "truth") if self.needs_truth else ("motion", "observation")
        )
        return tuple(part for part in parts if getattr(evidence, part) is None)

    def _remember(self, episode: int, step: int) -> None:
        self._done[(episode, step)] = None
        if len(self._done) > _REMEMBERED_STEPS:
            self._done.popitem(last=False)
