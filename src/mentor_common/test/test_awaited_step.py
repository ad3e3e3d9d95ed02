"""What an agent waits for between its action and the next one."""

from __future__ import annotations

import math

import pytest
from join_suite import Key

from mentor_common.env.awaited_step import FAULT_GRACE, AwaitedStep
from mentor_common.messages.experience import ExperienceError
from mentor_msgs.msg import Observation, Reward


class Agent:
    """What RosEnv does with its awaited step, as a user of the suite."""

    parts = ("observation", "reward")
    ahead = "step"
    remembers = False

    def __init__(self) -> None:
        self.awaited = AwaitedStep(lambda _: None)

    def begin(self, episode: int) -> None:
        self.awaited.await_any_episode()
        self.awaited.add_observation(Observation(episode=episode))
        self.awaited.begin(episode)
        assert self.awaited.is_whole(0.0)
        self.awaited.take()
        self.awaited.advance()

    def give(self, part: str, episode: int, step: int) -> None:
        if part == "observation":
            self.awaited.add_observation(Observation(episode=episode, step=step))
        else:
            self.awaited.add_reward(Reward(episode=episode, step=step), 0.0)

    def left(self) -> list[Key]:
        if self.awaited.episode is None or not self.awaited.is_whole(0.0):
            return []
        observation, reward = self.awaited.take()
        self.awaited.advance()
        assert observation is not None and reward is not None
        assert (observation.episode, observation.step) == (reward.episode, reward.step)
        return [(observation.episode, observation.step)]

    def dropped(self) -> int:
        return self.awaited.counts.duplicates + self.awaited.counts.strays

    def waiting(self) -> int:
        return int(self.awaited.observation is not None or self.awaited.reward is not None)

    def restart(self) -> None:
        self.__init__()  # type: ignore[misc]


@pytest.fixture
def agent() -> Agent:
    """An agent that awaits step 1 of episode 7."""
    agent = Agent()
    agent.begin(7)
    return agent


def test_of_many_first_observations_the_one_of_the_reset_is_taken() -> None:
    awaited = AwaitedStep(lambda _: None)
    for episode in (2**64 - 1, 5, 2**62):
        awaited.add_observation(Observation(episode=episode))
    awaited.begin(5)
    observation, reward = awaited.take()
    assert observation is not None and observation.episode == 5 and reward is None
    assert awaited.counts.strays == 2


def test_a_fault_leaves_without_an_observation_after_a_grace(agent: Agent) -> None:
    fault = Reward(episode=7, step=1, truncated=True, valid=False, reason="the camera stopped")
    agent.awaited.add_reward(fault, 10.0)
    assert not agent.awaited.is_whole(10.0) and agent.awaited.is_whole(10.0 + FAULT_GRACE)
    assert agent.awaited.take() == (None, fault)


@pytest.mark.parametrize(
    ("reward", "hint"),
    [
        (Reward(episode=7, step=1, value=math.nan), "not finite"),
        (Reward(episode=7, step=1, value=math.inf), "not finite"),
        (Reward(episode=7, step=1, value=-1e30), "above 1e+09"),
        (Reward(episode=7, step=1, terms=[math.nan], term_names=["x"]), "not finite"),
        (Reward(episode=7, step=0), "step 0"),
    ],
)
def test_what_cannot_be_learned_from_is_dropped_and_named(reward: Reward, hint: str) -> None:
    reasons: list[str] = []
    awaited = AwaitedStep(lambda _: None, reasons.append)
    awaited.begin(7)
    awaited.advance()
    awaited.add_reward(reward, 0.0)
    awaited.add_reward(Reward(episode=7, step=1, value=0.5), 0.0)
    assert awaited.reward is not None and awaited.reward.value == 0.5
    assert awaited.counts.invalid == 1 and hint in reasons[0] and "episode 7" in reasons[0]


def test_an_observation_that_does_not_fit_leaves_the_place_to_one_that_does() -> None:
    def check(message: Observation) -> None:
        if message.width != 84:
            raise ExperienceError(f"it is {message.width} wide")

    awaited = AwaitedStep(check)
    awaited.begin(7)
    awaited.add_observation(Observation(episode=7, width=3))
    awaited.add_observation(Observation(episode=7, width=84))
    assert awaited.observation is not None and awaited.observation.width == 84
    assert awaited.counts.invalid == 1
