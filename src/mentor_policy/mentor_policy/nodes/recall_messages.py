"""The answer of `recall`: steps of an actor's memory as the messages that went over the topics."""

from __future__ import annotations

from builtin_interfaces.msg import Time

from mentor_common.experience import action_message, observation_message
from mentor_common.frames import FrameLayout
from mentor_msgs.msg import Reward
from mentor_msgs.srv import Recall
from mentor_policy.stream.memory import Recalled

RECALL_LIMIT = 64
"""Observations in one answer at most: 12 MB of three cameras."""


def recall_response(
    recalled: Recalled, layout: FrameLayout, response: Recall.Response
) -> Recall.Response:
    """Fill in the answer. Stamps are zero: when it was is not remembered."""
    response.found, response.more = recalled.found, recalled.more
    never = Time()
    for step in recalled.steps:
        response.observations.append(
            observation_message(step.obs, layout, step.episode, step.step, never, state=step.state)
        )
        if step.action is None:
            continue
        response.actions.append(action_message(step.action, step.episode, step.step - 1, never))
        response.rewards.append(
            Reward(
                episode=step.episode,
                step=step.step,
                value=step.reward,
                terminated=step.terminated,
                truncated=step.truncated,
                success=step.success,
                valid=step.valid,
            )
        )
    return response
