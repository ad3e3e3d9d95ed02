"""A step as the messages that carried it: for a bag made from a ring, and for a backfill."""

from __future__ import annotations

from typing import NamedTuple

from builtin_interfaces.msg import Time

from mentor_common.messages.experience import action_message, observation_message, reward_message
from mentor_common.messages.frames import FrameLayout
from mentor_msgs.msg import Action, Observation, Reward
from mentor_policy.replay.step import Step


class StepMessages(NamedTuple):
    """Observation o(k), and the action a(k - 1) and the reward that led there; None at step 0."""

    observation: Observation
    action: Action | None
    reward: Reward | None


def step_messages(step: Step, layout: FrameLayout, stamp: Time, task: str = "") -> StepMessages:
    """Return the messages of a step.

    Args:
        step: to be sent or recorded.
        layout: layout of its observation.
        stamp: stamp of all three.
        task: task that the observation names.
    """
    observation = observation_message(
        step.obs, layout, step.episode, step.step, stamp, task=task, state=step.state
    )
    if step.action is None:
        return StepMessages(observation, None, None)
    reward = reward_message(
        step.reward, step.episode, step.step, stamp,
        terminated=step.terminated, truncated=step.truncated,
        success=step.success, valid=step.valid,
    )  # fmt: skip
    action = action_message(step.action, step.episode, step.step - 1, stamp)
    return StepMessages(observation, action, reward)
