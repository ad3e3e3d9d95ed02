"""The stream's messages on their way into an assembly of steps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from mentor_common.messages.experience import (
    ExperienceError,
    action_data,
    check_observation,
    check_reward,
    observation_pixels,
    observation_state,
)
from mentor_common.messages.join import JoinCounts
from mentor_common.messages.topics import EVALUATION
from mentor_common.node.drop_log import DropLog, Log
from mentor_msgs.msg import Action, Observation, Reward
from mentor_msgs.srv import Backfill
from mentor_policy.agents.shape import Shape
from mentor_policy.distributed.assembly import Assembly, AssemblyCounts, RewardOf
from mentor_policy.replay import ReplayDiskFullError, ReplayError, Step

BACKFILL_TIMEOUT = 10.0
"""Seconds of wall time for an answer of the actor."""


class Intake:
    """Feeds messages to an assembly and hands on the steps that come out.

    A message that does not fit the environment is counted in :attr:`parts` and dropped.

    Args:
        assembly: puts the steps together.
        shape: shape of the environment.
        take: is given each step, in order.
        log: writes a line about what was dropped.
    """

    def __init__(
        self, assembly: Assembly, shape: Shape, take: Callable[[Step], None], log: Log
    ) -> None:
        self._shape = shape
        self._assembly = assembly
        self._take = take
        self._drops = DropLog(log)
        self.steps = 0
        """Steps handed on."""

    @property
    def newest(self) -> tuple[int, int]:
        """Episode and step after which the next ones may be missing; ``(0, 0)``: the first."""
        return self._assembly.newest or (0, 0)

    @property
    def counts(self) -> AssemblyCounts:
        """What became of the observations."""
        return self._assembly.counts

    @property
    def parts(self) -> JoinCounts:
        """What became of the messages."""
        return self._assembly.messages

    @property
    def gap(self) -> bool:
        """Whether steps before the next one seem to be missing."""
        return self._assembly.gap

    def go_on(self) -> None:
        """Take what is there: nobody has what is missing."""
        self._assembly.go_on()
        self.take()

    def add(self, message: Any) -> None:
        """Take an Observation, an Action or a Reward."""
        try:
            self._add(message)
        except ExperienceError as error:
            self._drop(str(error))

    def _add(self, message: Any) -> None:
        episode, step = int(message.episode), int(message.step)
        if isinstance(message, Observation):
            check_observation(message, self._shape.layout, self._shape.state_size)
            state = observation_state(message) if self._shape.state_size else None
            self._assembly.add_observation(episode, step, observation_pixels(message), state)
        elif isinstance(message, Action):
            data = np.array(action_data(message), np.float32)
            evaluation = message.header.frame_id == EVALUATION
            self._assembly.add_action(episode, step, data, evaluation)
        elif isinstance(message, Reward):
            check_reward(message)
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
        """Take what the actor has in its log."""
        for message in (*answer.actions, *answer.rewards, *answer.observations):
            self.add(message)

    def take(self) -> None:
        """Hand on the steps that are complete; one that the replay refuses is dropped.

        Raises: ReplayDiskFullError; the step is then not handed on again.
        """
        for step in self._assembly.steps():
            try:
                self._take(step)
            except ReplayDiskFullError:
                raise
            except ReplayError as error:
                self._drop(str(error))
                continue
            self.steps += 1

    def _drop(self, reason: str) -> None:
        self.parts.invalid += 1
        self._drops.note(f"dropped: {reason}")


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
