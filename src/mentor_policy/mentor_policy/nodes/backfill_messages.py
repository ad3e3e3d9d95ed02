"""The answer of `backfill`: steps of an actor's log as the messages that carried them."""

from __future__ import annotations

from builtin_interfaces.msg import Time

from mentor_common.messages.frames import FrameLayout
from mentor_msgs.srv import Backfill
from mentor_policy.distributed.step_log import BackfilledSteps
from mentor_policy.replay.step_messages import step_messages

BACKFILL_LIMIT = 64
"""Observations in one answer at most: 12 MB of three cameras."""


def backfill_response(
    backfilled: BackfilledSteps, layout: FrameLayout, response: Backfill.Response
) -> Backfill.Response:
    """Fill in the answer. Stamps are zero: when it was is not remembered."""
    response.found, response.more = backfilled.found, backfilled.more
    never = Time()
    for step in backfilled.steps:
        messages = step_messages(step, layout, never)
        response.observations.append(messages.observation)
        if messages.action is not None:
            response.actions.append(messages.action)
        if messages.reward is not None:
            response.rewards.append(messages.reward)
    return response
