"""Means of recorded actions are computed again as they were: in training or in an evaluation."""

import numpy as np

from mentor_msgs.msg import Action, Observation
from mentor_policy.training.evaluation import PURPOSE
from mentor_policy.training.recomputed_means import RecomputedMeans


def test_the_mean_of_an_evaluation_is_that_of_an_evaluation() -> None:
    asked: list[tuple[int, bool]] = []

    def mean(observation: Observation, version: int, evaluates: bool) -> np.ndarray:
        asked.append((version, evaluates))
        return np.full(2, float(evaluates), np.float32)

    means = RecomputedMeans(mean)
    for step, purpose in enumerate((PURPOSE, "")):
        action = Action(episode=3, step=step, weights_version=7)
        action.header.frame_id = purpose
        means.add_observation(Observation(episode=3, step=step))
        means.add_action(action)
    assert [list(answer.mean) for answer in means.answers()] == [[1.0, 1.0], [0.0, 0.0]]
    assert asked == [(7, True), (7, False)]
