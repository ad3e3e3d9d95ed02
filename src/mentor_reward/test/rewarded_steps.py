"""The reward node's reader as a user of the suite of the join."""

from __future__ import annotations

import numpy as np
from builtin_interfaces.msg import Time
from join_suite import Key
from task_node import TASK

from mentor_common.messages.experience import observation_message
from mentor_common.tasks.reward_model import RewardNeeds
from mentor_msgs.msg import Motion
from mentor_reward.steps.step_reader import StepReader

BLANK = np.zeros(TASK.layout.shape, np.uint8)


class RewardedSteps:
    """The reward node's reader; one that is started again begins with what is new."""

    parts = ("motion", "observation")
    ahead = "any"
    remembers = False

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.reader = StepReader(TASK, RewardNeeds(), timeout=2.0)
        self.begin(0)  # the history that there is: one reset, of no episode of the suite
        assert not self.reader.collect(1.0)[1:]

    def begin(self, episode: int) -> None:
        for part in self.parts:
            self.give(part, episode, 0)

    def give(self, part: str, episode: int, step: int) -> None:
        if part == "motion":
            self.reader.add_motion(Motion(episode=episode, step=step), 0.0)
        else:
            message = observation_message(BLANK, TASK.layout, episode, step, Time())
            self.reader.add_observation(message, 0.0)

    def left(self) -> list[Key]:
        steps = self.reader.collect(0.0)
        assert not any(step.reason for step in steps)
        return [(s.motion.episode, s.motion.step) for s in steps if s.motion.step]

    def dropped(self) -> int:
        return self.reader.join.counts.duplicates + self.reader.join.counts.strays

    def waiting(self) -> int:
        return len(self.reader.join)
