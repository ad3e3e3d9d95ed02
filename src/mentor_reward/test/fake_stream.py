"""Motions, observations and true states for the tests, and the rewards that they lead to."""

from __future__ import annotations

from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from fake_peer import FakePeer
from task_node import TASK

from mentor_common.messages import topics
from mentor_common.messages.experience import action_message, observation_message
from mentor_msgs.msg import Action, GroundTruth, Motion, Observation, Reward


class FakeStream(FakePeer):
    """Publishes what leads to rewards, over real DDS, and keeps the rewards."""

    def __init__(self) -> None:
        super().__init__("fake_stream")
        qos = topics.EXPERIENCE_QOS
        self._motions = self.node.create_publisher(Motion, "motion", qos)
        self._observations = self.node.create_publisher(Observation, "observation", qos)
        self._truth = self.node.create_publisher(GroundTruth, "ground_truth", qos)
        self._actions = self.node.create_publisher(Action, "action", qos)
        self.rewards: list[Reward] = []
        self.diagnostics = self.record_diagnostics("reward")
        self.log = self.record_log("reward")
        self.node.create_subscription(Reward, "reward", self.rewards.append, qos)
        self.begin()

    def wait_for_node(self, states: str) -> None:
        """Wait until the reward node receives what these ``states`` need, and is received."""
        publishers = [self._motions, self._observations]
        if states == "ground_truth":
            publishers.append(self._truth)

        def connected() -> bool:
            return all(p.get_subscription_count() > 0 for p in publishers) and bool(
                self.node.get_publishers_info_by_topic("/reward")
            )

        self.wait_until_active(connected, "the reward node")

    def motion(self, episode: int, step: int, failed: str = "") -> None:
        """Publishes a motion that ended at 100 + step seconds."""
        message = Motion(episode=episode, step=step, failed=bool(failed), reason=failed)
        message.normalized = [0.0] * len(TASK.workspace.axes)
        message.begin, message.end = Time(sec=99 + step), Time(sec=100 + step)
        message.header.stamp = message.end
        self._motions.publish(message)

    def observation(self, episode: int, step: int, pixels: np.ndarray | None = None) -> None:
        """Publishes an observation."""
        if pixels is None:
            pixels = np.zeros(TASK.layout.shape, np.uint8)
        stamp = Time(sec=100 + step)
        self._observations.publish(observation_message(pixels, TASK.layout, episode, step, stamp))

    def truth(self, episode: int, step: int, slot_1: int, slot_2: int) -> None:
        """Publishes the true states."""
        message = GroundTruth(episode=episode, step=step, names=["slot_1", "slot_2"])
        message.values = [float(slot_1), float(slot_2)]
        self._truth.publish(message)

    def action(self, episode: int, step: int, size: int = 2) -> None:
        """Publishes the action that answers a step."""
        self._actions.publish(action_message([0.0] * size, episode, step, Time(sec=100 + step)))

    def reward(self, episode: int, step: int, seconds: float = 60.0) -> Reward:
        """The reward of a step; fails if it does not come, or comes twice."""

        def found() -> list[Any]:
            return [r for r in self.rewards if (r.episode, r.step) == (episode, step)]

        assert self.wait(lambda: bool(found()), seconds), f"no reward({episode}, {step})"
        (reward,) = found()
        return reward
