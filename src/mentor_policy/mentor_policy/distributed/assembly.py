"""From the three topics of experience to steps of the replay, each once and in order.

Observations, actions and rewards come over topics of their own, each in order, but in any order
relative to each other; a learner that comes late finds the newest of each only. A step is complete
when its observation, the action before it and its reward are there. A part that can come no more,
since its topic has gone on to a later step, is not waited for: the observation is then kept as the
start of the next transition, and the transition that led to it is marked as not to be learned from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mentor_policy.replay import Step

Key = tuple[int, int]


@dataclass(frozen=True)
class RewardOf:
    """What a Reward message says: value (unitless) and how the episode stands."""

    value: float
    terminated: bool = False
    truncated: bool = False
    success: bool = False
    valid: bool = True


@dataclass
class AssemblyCounts:
    """What became of the observations. Each is counted once."""

    steps: int = 0  # left as steps of the replay, step 0 too
    incomplete: int = 0  # of these: without their action or reward, not to be learned from
    evaluation: int = 0  # of evaluation episodes
    duplicates: int = 0  # known already
    missing: int = 0  # steps before one of the same episode that never came
    late: int = 0  # of an episode before the newest, come too late to stand in order


@dataclass
class _Observed:
    pixels: npt.NDArray[np.uint8]
    state: npt.NDArray[np.float32] | None


@dataclass
class _Acted:
    data: npt.NDArray[np.float32]
    evaluation: bool


@dataclass
class Assembly:
    """Puts steps together; feed it each message, then take :meth:`steps`.

    Args:
        action_size: A.
        known: newest step that the replay has of an episode, -1 for none: what comes again after a
            restart is a duplicate.
        pending: observations that wait at most; beyond it the oldest leaves as it is.
    """

    action_size: int
    known: dict[int, int] = field(default_factory=dict)
    pending: int = 1024
    counts: AssemblyCounts = field(default_factory=AssemblyCounts)
    _observations: dict[Key, _Observed] = field(default_factory=dict)
    _actions: dict[Key, _Acted] = field(default_factory=dict)
    _rewards: dict[Key, RewardOf] = field(default_factory=dict)
    gap: bool = False
    """Steps before the next one seem to be missing: fetch them and feed them, or :meth:`go_on`."""
    _over_gap: Key | None = None
    _newest_episode: int = -1
    _newest_action: Key = (-1, -1)
    _newest_reward: Key = (-1, -1)

    def __post_init__(self) -> None:
        self._newest_episode = max(self.known, default=-1)

    def add_observation(
        self,
        episode: int,
        step: int,
        pixels: npt.NDArray[np.uint8],
        state: npt.NDArray[np.float32] | None = None,
    ) -> None:
        """Take an observation: ``(C, H, W) uint8`` and ``(S,) float32`` where there is a state."""
        key = (episode, step)
        if step <= self.known.get(episode, -1) or key in self._observations:
            self.counts.duplicates += 1
            return
        self._observations[key] = _Observed(pixels, state)

    def add_action(
        self, episode: int, step: int, data: npt.NDArray[np.float32], evaluation: bool
    ) -> None:
        """Take the action ``(A,) float32`` that answers an observation."""
        if data.shape == (self.action_size,):
            self._actions.setdefault((episode, step), _Acted(data, evaluation))
        self._newest_action = max(self._newest_action, (episode, step))

    def add_reward(self, episode: int, step: int, reward: RewardOf) -> None:
        """Take the reward for reaching a step (from step 1 on)."""
        self._rewards.setdefault((episode, step), reward)
        self._newest_reward = max(self._newest_reward, (episode, step))

    def steps(self) -> Iterator[Step]:
        """The steps that are complete by now, in order."""
        self.gap = False
        for key in sorted(self._observations):
            step = self._ready(key, force=len(self._observations) > self.pending)
            if step is None:
                return
            if self._is_evaluation(key):
                del self._observations[key]
                self._forget_before(key)
                self._newest_episode = max(self._newest_episode, key[0])
                self.counts.evaluation += 1
                continue
            if self._over_gap != key and self._gap_before(key):
                self.gap = True
                return
            observed = self._observations.pop(key)
            self._forget_before(key)
            if key[1] <= self.known.get(key[0], -1):
                self.counts.duplicates += 1
                continue
            if key[0] < self._newest_episode:
                self.counts.late += 1
                continue
            self.counts.missing += max(0, key[1] - self.known.get(key[0], -1) - 1)
            self._newest_episode = key[0]
            self.known[key[0]] = key[1]
            self.counts.steps += 1
            self.counts.incomplete += not step.valid
            yield Step(**{**vars(step), "obs": observed.pixels, "state": observed.state})

    def go_on(self) -> None:
        """Nothing more is to be had before the next step: take it as it is."""
        self._over_gap = min(self._observations, default=None)

    @property
    def waiting(self) -> int:
        """Observations that wait for their action or reward."""
        return len(self._observations)

    def _ready(self, key: Key, force: bool) -> Step | None:
        """The step without its pixels, or None while a part of it may still come."""
        episode, step = key
        nothing = np.zeros((0, 0, 0), np.uint8)
        if step == 0:
            # Its own action tells whether the episode is one of evaluation.
            if key in self._actions or self._newest_action > key or force:
                return Step(episode, 0, nothing)
            return None
        action = self._actions.get((episode, step - 1))
        reward = self._rewards.get(key)
        if action is not None and reward is not None:
            return Step(
                episode,
                step,
                nothing,
                action.data,
                reward.value,
                reward.terminated,
                reward.truncated,
                reward.valid,
                reward.success,
            )
        action_lost = action is None and self._newest_action >= (episode, step - 1)
        reward_lost = reward is None and self._newest_reward >= key
        if not (action_lost or reward_lost or force):
            return None
        data = np.zeros(self.action_size, np.float32) if action is None else action.data
        truncated = reward is not None and (reward.truncated or reward.terminated)
        return Step(episode, step, nothing, data, valid=False, truncated=truncated)

    def _gap_before(self, key: Key) -> bool:
        episode, step = key
        if episode in self.known:
            return step > self.known[episode] + 1
        return step > 0 or 0 <= self._newest_episode < episode - 1

    def _is_evaluation(self, key: Key) -> bool:
        episode, step = key
        for beside in (step, step - 1):
            action = self._actions.get((episode, beside))
            if action is not None:
                return action.evaluation
        return False

    def _forget_before(self, key: Key) -> None:
        """Drop what belongs to steps before ``key``, but for the action that led to it."""
        episode, step = key
        for old in [k for k in self._rewards if k <= key]:
            del self._rewards[old]
        for old in [k for k in self._actions if k < (episode, step - 1)]:
            del self._actions[old]
