"""The stream's messages on their way into an assembly of steps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from mentor_common.messages.experience import action_data, observation_pixels, observation_state
from mentor_common.messages.topics import EVALUATION
from mentor_msgs.msg import Action, Observation, Reward
from mentor_msgs.srv import Backfill
from mentor_policy.distributed.assembly import Assembly, AssemblyCounts, RewardOf
from mentor_policy.replay import Step

BACKFILL_TIMEOUT = 10.0
"""Seconds of wall time for an answer of the actor."""


class Intake:
    """Feeds messages to an assembly and hands on the steps that come out.

    Args:
        assembly: puts the steps together.
        take: is given each step, in order.
    """

    def __init__(self, assembly: Assembly, take: Callable[[Step], None]) -> None:
        self._assembly = assembly
        self._take = take
        self.newest = max(assembly.known.items(), default=(0, 0))
        """Episode and step of the newest step handed on; ``(0, 0)`` before the first."""
        self.steps = 0
        """Steps handed on."""

    @property
    def counts(self) -> AssemblyCounts:
        """What became of the messages."""
        return self._assembly.counts

    @property
    def gap(self) -> bool:
        """Steps before the next one went by unheard."""
        return self._assembly.gap

    def go_on(self) -> None:
        """Take what is there: nobody remembers what is missing."""
        self._assembly.go_on()
        self.take()

    def add(self, message: Any) -> None:
        """Take an Observation, an Action or a Reward."""
        episode, step = int(message.episode), int(message.step)
        if isinstance(message, Observation):
            state = observation_state(message) if len(message.state) else None
            self._assembly.add_observation(episode, step, observation_pixels(message), state)
        elif isinstance(message, Action):
            data = np.array(action_data(message), np.float32)
            evaluation = message.header.frame_id == EVALUATION
            self._assembly.add_action(episode, step, data, evaluation)
        elif isinstance(message, Reward):
            self._assembly.add_reward(
                episode,
                step,
                RewardOf(
                    message.value,
                    message.terminated,
                    message.truncated,
                    message.success,
                    message.valid,
                ),
            )

    def add_backfilled(self, answer: Backfill.Response) -> None:
        """Take what the actor remembers."""
        for message in (*answer.actions, *answer.rewards, *answer.observations):
            self.add(message)

    def take(self) -> None:
        """Hand on the steps that are complete.

        Raises:
            whatever ``take`` raises; the step is then not handed on again.
        """
        for step in self._assembly.steps():
            self._take(step)
            self.newest = (step.episode, step.step)
            self.steps += 1


def backfill(client: Any, request: Backfill.Request) -> Backfill.Response | None:
    """Ask the actor, from a worker thread; None if there is none, or it does not answer."""
    if not client.service_is_ready():
        return None
    answered = threading.Event()
    future = client.call_async(request)
    future.add_done_callback(lambda _: answered.set())
    if not answered.wait(BACKFILL_TIMEOUT):
        client.remove_pending_request(future)
        return None
    answer: Backfill.Response = future.result()
    return answer
