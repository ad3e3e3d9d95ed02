"""The mean actions of recorded steps, computed again from the observations that they answer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from mentor_common.messages.join import StepJoin
from mentor_msgs.msg import Action, Observation
from mentor_policy.training.evaluation import PURPOSE

OBSERVATION, ACTION = "observation", "action"
KEPT = 64
"""Steps of which one of the two messages is waited for."""

MeanOf = Callable[[Observation, int, bool], npt.NDArray[np.float32]]


class RecomputedMeans:
    """Joins each action with its observation and computes its mean again.

    Args:
        mean: returns the mean ``(A,) float32`` of an observation by the weights of a version, in
            an evaluation (True) or in training. Raises LookupError or ValueError with the reason
            where it cannot.
    """

    def __init__(self, mean: MeanOf) -> None:
        self._mean = mean
        self.join = StepJoin((OBSERVATION, ACTION), pending=KEPT)

    def add_observation(self, message: Observation) -> None:
        """Take an observation."""
        self.join.add(OBSERVATION, message.episode, message.step, message)

    def add_action(self, message: Action) -> None:
        """Take the action that answered the observation of its step."""
        self.join.add(ACTION, message.episode, message.step, message)

    def answers(self) -> list[Action]:
        """Return an action with its mean for each step that has become whole since the last call.

        One whose mean cannot be computed has none; ``run_id`` has the reason.
        """
        return [
            self._answer(joined.parts[OBSERVATION], joined.parts[ACTION])
            for joined in self.join.collect()
        ]

    def _answer(self, observation: Observation, action: Action) -> Action:
        answer = Action(
            header=action.header,
            episode=action.episode,
            step=action.step,
            weights_version=action.weights_version,
        )
        try:
            evaluates = action.header.frame_id == PURPOSE
            version = int(action.weights_version)
            answer.mean = self._mean(observation, version, evaluates).tolist()
        except (LookupError, ValueError) as error:
            answer.run_id = str(error.args[0] if error.args else error)
        return answer
