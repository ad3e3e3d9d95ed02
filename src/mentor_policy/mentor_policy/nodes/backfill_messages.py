"""The answer of `backfill`: steps of an actor's log as the messages that carried them."""

from __future__ import annotations

from builtin_interfaces.msg import Time

from mentor_common.messages.experience import action_message, observation_message
from mentor_common.messages.frames import FrameLayout
from mentor_msgs.msg import Reward
from mentor_msgs.srv import Backfill
from mentor_policy.distributed.step_log import BackfilledSteps

BACKFILL_LIMIT = 64
"""Observations in one answer at most: 12 MB of three cameras."""


def backfill_response(
    backfilled: BackfilledSteps, layout: FrameLayout, response: Backfill.Response
) -> Backfill.Response:
    """Fill in the answer. Stamps are zero: when it was is not remembered."""
    response.found, response.more = backfilled.found, backfilled.more
    never = Time()
    for step in backfilled.steps:
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
