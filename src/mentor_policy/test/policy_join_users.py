"""What of this package joins messages, besides the assembly, as users of the suite of the join."""

from __future__ import annotations

import numpy as np
from join_suite import Key

from mentor_msgs.msg import Action, Observation, Reward
from mentor_policy.replay.bag_steps import RecordedSteps
from mentor_policy.training.recomputed_means import RecomputedMeans

PIXELS = {"height": 2, "width": 2, "frames": 1, "cameras": ["side"], "data": bytes(12)}


class StepsOfABag:
    """The steps of a bag, whose log is in the order in which the cell made them."""

    parts = ("observation", "action", "reward")
    ahead = "step"
    remembers = False

    def __init__(self) -> None:
        self.steps = RecordedSteps()
        self.begun: list[int] = []
        self.out: list[Key] = []

    def begin(self, episode: int) -> None:
        self.begun.append(episode)
        self.give("observation", episode, 0)

    def give(self, part: str, episode: int, step: int) -> None:
        message = {
            "observation": lambda: Observation(episode=episode, step=step, **PIXELS),
            "action": lambda: Action(episode=episode, step=step - 1, data=[0.5]),
            "reward": lambda: Reward(episode=episode, step=step, valid=True),
        }[part]()
        for left in self.steps.add(message):
            self.out.append((self.begun[left.episode], left.step))

    def left(self) -> list[Key]:
        found = [key for key in self.out if key[1]]
        self.out = []
        return found

    def dropped(self) -> int:
        return self.steps.join.counts.duplicates + self.steps.join.counts.strays

    def waiting(self) -> int:
        return len(self.steps.join)

    def restart(self) -> None:
        self.__init__()  # type: ignore[misc]


class MeansOfActions:
    """The mean actions of a bag, computed again."""

    parts = ("observation", "action")
    ahead = "any"
    remembers = False

    def __init__(self) -> None:
        self.means = RecomputedMeans(lambda observation, *_: np.full(1, observation.step))

    def begin(self, episode: int) -> None:
        pass

    def give(self, part: str, episode: int, step: int) -> None:
        if part == "observation":
            self.means.add_observation(Observation(episode=episode, step=step))
        else:
            self.means.add_action(Action(episode=episode, step=step))

    def left(self) -> list[Key]:
        answers = self.means.answers()
        assert all(list(answer.mean) == [answer.step] for answer in answers)
        return [(answer.episode, answer.step) for answer in answers]

    def dropped(self) -> int:
        return self.means.join.counts.duplicates + self.means.join.counts.strays

    def waiting(self) -> int:
        return len(self.means.join)

    def restart(self) -> None:
        self.__init__()  # type: ignore[misc]
