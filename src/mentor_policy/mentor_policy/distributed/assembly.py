"""From the three topics of experience to steps of the replay, each once and in order.

The join brings observation, action and reward of a step together. What is added here: a step that
lost its action or its reward on the way is handed on as soon as a later one of its episode is
whole; its observation is kept as the start of the next transition, and the transition that led to
it is not learned from. Steps that seem to be missing are asked for before anything after them is
handed on ("leaves"). Episodes of evaluation are left out.

Steps leave in the order in which they became whole. Each topic is in order by itself, so that is
the order in which they were taken, whatever the numbers of the episodes are.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mentor_common.messages.episode_numbers import follows, session_of
from mentor_common.messages.join import JoinCounts, JoinedStep, StepJoin, StepKey
from mentor_common.messages.numbers import usable
from mentor_policy.replay import Step

OBSERVATION, ACTION, REWARD = "observation", "action", "reward"
"""Parts of a step; the action is the one that led to it."""
SESSIONS = 64
"""Servers of ``reset_episode`` whose newest step is remembered."""
EPISODES = 4096
"""Episodes of which it is remembered whether they are of evaluation."""


@dataclass
class AssemblyCounts:
    """What became of the steps.

    Attributes:
        steps: handed on to the replay, step 0 too.
        incomplete: those of ``steps`` that lack their action or reward; not to be learned from.
        evaluation: steps of evaluation episodes.
        missing: those of which no observation came before a later one of the episode was handed on.
    """

    steps: int = 0
    incomplete: int = 0
    evaluation: int = 0
    missing: int = 0


@dataclass(frozen=True)
class RewardOf:
    """What a Reward message holds: value (unitless) and how the episode stands."""

    value: float
    terminated: bool = False
    truncated: bool = False
    success: bool = False
    valid: bool = True

    @property
    def over(self) -> bool:
        """Whether the episode ended with it."""
        return self.terminated or self.truncated


NO_REWARD = RewardOf(0.0, valid=False)


class Assembly:
    """Puts steps together; feed it each message, then take :meth:`steps`.

    Args:
        action_size: A.
        known: newest step that the replay has of each episode, oldest episode first: what comes
            again after a restart is a duplicate.
        pending: steps that wait at most.

    Attributes:
        gap: steps before the next one seem to be missing. Fetch those after :attr:`newest` and
            feed them, or :meth:`go_on`.
        newest: the step after which they are missing; None before the first.
    """

    def __init__(
        self, action_size: int, known: Mapping[int, int] | None = None, pending: int = 1024
    ) -> None:
        self.action_size = action_size
        self.counts = AssemblyCounts()
        self.gap = False
        self._join = StepJoin(
            (OBSERVATION, ACTION, REWARD),
            # Step 0 leaves with the first step that leads on from it.
            needs=lambda step: (OBSERVATION, ACTION, REWARD) if step else None,
            pending=pending,
            ordered=True,
            known=known,
        )
        self._order: list[StepKey] = []
        self._despite_gap: StepKey | None = None
        self._evaluation: OrderedDict[int, bool] = OrderedDict()
        # By server: the newest step that has left, and the newest episode, of evaluation or not.
        self._newest_step_of: OrderedDict[int, StepKey] = OrderedDict()
        self._newest_episode_of: OrderedDict[int, int] = OrderedDict()
        self._newest_step: StepKey | None = None
        self._newest_episode: int | None = None
        for episode, step in (known or {}).items():
            self._passed(StepKey(episode, step))
            self._remember_episode(episode)
        self.newest: StepKey | None = self._newest_step

    @property
    def messages(self) -> JoinCounts:
        """What became of the messages."""
        return self._join.counts

    def add_observation(
        self,
        episode: int,
        step: int,
        pixels: npt.NDArray[np.uint8],
        state: npt.NDArray[np.float32] | None = None,
    ) -> None:
        """Take an observation: ``(C, H, W) uint8`` and ``(S,) float32`` where there is a state."""
        self._join.add(OBSERVATION, episode, step, (pixels, state))

    def add_action(
        self, episode: int, step: int, data: npt.NDArray[np.float32], evaluation: bool
    ) -> None:
        """Take the action ``(A,) float32`` that answers the observation of this step."""
        if data.shape != (self.action_size,) or not usable(data):
            self.messages.invalid += 1
            return
        _remember(self._evaluation, episode, self._evaluation.get(episode, evaluation), EPISODES)
        self._join.add(ACTION, episode, step + 1, data)

    def add_reward(self, episode: int, step: int, reward: RewardOf) -> None:
        """Take the reward for reaching a step (from step 1 on)."""
        if step == 0 or not usable(reward.value):
            self.messages.invalid += 1
            return
        self._join.add(REWARD, episode, step, reward)

    def steps(self) -> Iterator[Step]:
        """Take the steps that are complete by now, in order."""
        self._put_in_order()
        self.gap = False
        while self._order:
            key = self._order[0]
            leaving = self._up_to(key)
            evaluation = self._evaluation.get(key.episode, False)
            if not evaluation and key != self._despite_gap and self._gap_before(leaving):
                self.gap = True
                return
            if evaluation:
                self.counts.evaluation += len(leaving)
                for joined in leaving:
                    self._join.finish(*joined.key)
                steps = []
            else:
                steps = [*self._close_before(key.episode), *self._leave(leaving)]
                self._passed(key)
            self._drop_up_to(key)
            self._remember_episode(key.episode)
            yield from steps

    def go_on(self) -> None:
        """Hand on the next step despite the gap: what is missing before it will not come."""
        self._despite_gap = self._order[0] if self._order else None

    @property
    def waiting(self) -> int:
        """Steps that have not left."""
        return len(self._join)

    # Inner workings.

    def _put_in_order(self) -> None:
        """Line up the steps that have become whole. What fills a gap goes before what waits for it;
        of one episode the lower step goes first."""
        whole = [step.key for step in self._join.whole()]
        alive, lined_up = set(whole), set(self._order)
        # Where too many steps wait, the oldest are gone.
        self._order = [key for key in self._order if key in alive]
        waits = self._order[0] if self.gap and self._order else None
        for key in whole:
            if key in lined_up:
                continue
            later = (k for k in self._order if k.episode == key.episode and k.step > key.step)
            before = next(later, waits)
            place = self._order.index(before) if before is not None else len(self._order)
            self._order.insert(place, key)

    def _up_to(self, key: StepKey) -> list[JoinedStep]:
        """Return the steps of the episode up to ``key`` that have an observation."""
        below = [step for step in self._join if step.key.episode == key.episode]
        below = [step for step in below if step.key.step <= key.step and OBSERVATION in step.parts]
        return sorted(below, key=lambda step: step.key)

    def _gap_before(self, leaving: list[JoinedStep]) -> bool:
        """Return whether something is missing before or among the next steps of an episode."""
        episode, first = leaving[0].key
        before = self._join.newest(episode)
        self.newest = self._newest_step_of.get(session_of(episode), self._newest_step)
        steps = [joined.key.step for joined in leaving]
        if steps != list(range(before + 1, before + 1 + len(steps))):
            return True
        if not all(_is_whole(joined) for joined in leaving):
            return True
        last = self._newest_episode_of.get(session_of(episode), self._newest_episode)
        return first == 0 and last is not None and not follows(episode, last)

    def _leave(self, leaving: list[JoinedStep]) -> list[Step]:
        """Return an episode's next steps, taken out of the join."""
        newest = self._join.newest(leaving[0].key.episode)
        steps = []
        for joined in leaving:
            self._join.finish(*joined.key)
            self.counts.missing += joined.key.step - newest - 1
            newest = joined.key.step
            self.counts.steps += 1
            self.counts.incomplete += not _is_whole(joined)
            steps.append(self._step(joined))
        return steps

    def _close_before(self, episode: int) -> list[Step]:
        """Return the end of the episode before this one: no step of that episode comes later.
        Its end may lack its action, or be whole and lined up behind this episode."""
        last = self._newest_step
        if last is None or last.episode == episode:
            return []
        ends = [
            joined.key
            for joined in self._join
            if joined.key.episode == last.episode
            and OBSERVATION in joined.parts
            and joined.parts.get(REWARD, NO_REWARD).over
        ]
        if not ends:
            return []
        end = max(ends)
        steps = self._leave(self._up_to(end))
        self._drop_up_to(end)
        return steps

    def _drop_up_to(self, last: StepKey) -> None:
        """Drop the parts of the episode's steps that had no observation; neither these steps nor
        those that left are lined up any more."""

        def gone(key: StepKey) -> bool:
            return key.episode == last.episode and key.step <= last.step

        self._join.drop(gone)
        self._order = [key for key in self._order if not gone(key)]

    def _step(self, joined: JoinedStep) -> Step:
        episode, step = joined.key
        pixels, state = joined.parts[OBSERVATION]
        if step == 0:
            return Step(episode, 0, pixels, state=state)
        reward: RewardOf = joined.parts.get(REWARD, NO_REWARD)
        action = joined.parts.get(ACTION)
        if not _is_whole(joined):
            action = np.zeros(self.action_size, np.float32) if action is None else action
            reward = RewardOf(0.0, truncated=reward.over, valid=False)
        return Step(
            episode,
            step,
            pixels,
            action,
            reward.value,
            reward.terminated,
            reward.truncated,
            reward.valid,
            reward.success,
            state,
        )

    def _passed(self, key: StepKey) -> None:
        """Remember the newest step that has left, in all and of its server's episodes."""
        self._newest_step = key
        _remember(self._newest_step_of, session_of(key.episode), key, SESSIONS)

    def _remember_episode(self, episode: int) -> None:
        self._newest_episode = episode
        _remember(self._newest_episode_of, session_of(episode), episode, SESSIONS)


def _remember(table: OrderedDict[int, Any], key: int, value: Any, limit: int) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > limit:
        table.popitem(last=False)


def _is_whole(joined: JoinedStep) -> bool:
    return joined.key.step == 0 or (ACTION in joined.parts and REWARD in joined.parts)
