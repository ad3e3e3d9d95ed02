"""The step that an agent waits for: which messages belong to it, and when it is whole."""

from __future__ import annotations

from collections.abc import Callable

from mentor_common.messages.experience import ExperienceError, check_reward
from mentor_common.messages.join import JoinCounts, StepJoin, StepKey
from mentor_msgs.msg import Observation, Reward

FAULT_GRACE = 0.5
"""Seconds for which the observation of a step that ended in a fault is still waited for."""
FIRST_OBSERVATIONS = 64
"""Observations of step 0 that are kept until the reset's result names the episode."""

_OBSERVATION, _REWARD = "observation", "reward"


class AwaitedStep:
    """Keeps the observation and the reward of one step at a time; everything else is dropped.

    Args:
        check: raises ExperienceError for an observation that does not fit the environment.
        dropped: called with the reason for each message that was dropped.
    """

    def __init__(
        self,
        check: Callable[[Observation], None],
        dropped: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.episode: int | None = None
        self.step = 0
        self._check, self._dropped = check, dropped
        self._join = StepJoin(
            (_OBSERVATION, _REWARD),
            needs=lambda step: (_OBSERVATION, _REWARD) if step else (_OBSERVATION,),
            pending=FIRST_OBSERVATIONS,
            ordered=True,
        )
        self.counts: JoinCounts = self._join.counts
        self._rewarded_at = 0.0
        self.await_any_episode()

    def await_any_episode(self) -> None:
        """Wait for the first observation of an episode whose number is not known yet."""
        running = self.episode
        self._join.drop()
        self._join.expects = lambda key: key.step == 0 and key.episode != running

    def begin(self, episode: int) -> None:
        """Wait for step 0 of this episode; first observations of others are strays."""
        self.episode, self.step = episode, 0
        self._join.drop(lambda key: key.episode != episode)
        self._join.expects = lambda key: key == (self.episode, self.step)

    def advance(self) -> None:
        """Wait for the next step of the episode."""
        self.step += 1
        self._join.drop()

    def add_observation(self, message: Observation) -> None:
        """Take an observation."""
        try:
            self._check(message)
        except ExperienceError as error:
            return self._drop(error)
        self._join.add(_OBSERVATION, message.episode, message.step, message)

    def add_reward(self, message: Reward, now: float) -> None:
        """Take a reward; ``now`` in seconds."""
        try:
            check_reward(message)
        except ExperienceError as error:
            return self._drop(error)
        if self._join.add(_REWARD, message.episode, message.step, message):
            self._rewarded_at = now

    @property
    def observation(self) -> Observation | None:
        """The observation of the step, if it has arrived."""
        return self._part(_OBSERVATION)

    @property
    def reward(self) -> Reward | None:
        """The reward of the step, if it has arrived."""
        return self._part(_REWARD)

    def is_whole(self, now: float) -> bool:
        """Return whether nothing more is to be waited for at ``now``, in seconds.

        A fault, of a camera for instance, can leave a step without an observation. Then the reward
        reports that (not valid, truncated), and the observation is waited for no longer than a
        grace.
        """
        reward = self.reward
        if self.observation is not None:
            return reward is not None or self.step == 0
        fault = reward is not None and reward.truncated and not reward.valid
        return fault and now - self._rewarded_at >= FAULT_GRACE

    def take(self) -> tuple[Observation | None, Reward | None]:
        """Have the step leave: its observation, which a fault may have cost, and its reward."""
        assert self.episode is not None
        joined = self._join.finish(self.episode, self.step)
        assert joined is not None
        return joined.parts.get(_OBSERVATION), joined.parts.get(_REWARD)

    def _part(self, name: str) -> Observation | Reward | None:
        waiting = None if self.episode is None else self._join.waiting(*self._key)
        return None if waiting is None else waiting.parts.get(name)

    @property
    def _key(self) -> StepKey:
        assert self.episode is not None
        return StepKey(self.episode, self.step)

    def _drop(self, reason: ExperienceError) -> None:
        self.counts.invalid += 1
        self._dropped(str(reason))
