"""A small environment over the real topics: noise around a grey that the actions move.

Same seed, same actions: same observations. Every observation is a block of frames of its own.
"""

from __future__ import annotations

import time
import zlib

import numpy as np
from grey_bridge import GreyBridge

from mentor_common.messages.experience import observation_message
from mentor_common.messages.frames import FrameLayout
from mentor_common.node.parameters import Param
from mentor_common.node.running import main as run
from mentor_msgs.msg import Action, Reward
from mentor_msgs.srv import Describe

SIDE = 36
"""Pixels."""


class FaultyRewards:
    """Publishes 1000 a step in every second episode, whose ninth step is a fault."""

    def __init__(self, publisher) -> None:
        self._publisher, self._seen = publisher, []

    def publish(self, reward: Reward) -> None:
        if reward.episode not in self._seen:
            self._seen.append(reward.episode)
        if len(self._seen) % 2 == 0:
            reward.value = 1000.0
            if reward.step == 9:
                reward.valid, reward.truncated, reward.reason = False, True, "a fault"
        self._publisher.publish(reward)


class ToyBridge(GreyBridge):
    PARAMETERS = (
        *GreyBridge.PARAMETERS,
        Param("step_seconds", "float", 0.0, "wall time that a step takes", low=0.0),
        Param("faulty", "bool", False, "every second episode pays the most and ends in a fault"),
    )

    def configure(self) -> None:
        super().configure()
        self.layout = FrameLayout(tuple(self.items("cameras")), 3, SIDE, SIDE, False)
        if self.flag("faulty"):
            self.rewards = FaultyRewards(self.rewards)

    def on_describe(
        self, request: Describe.Request, answer: Describe.Response
    ) -> Describe.Response:
        answer = super().on_describe(request, answer)
        answer.height, answer.width, answer.stacked = SIDE, SIDE, False
        answer.action_repeat = 1
        return answer

    def on_action(self, message: Action) -> None:
        time.sleep(self.number("step_seconds"))
        super().on_action(message)

    def see(self, episode: int | None = None, step: int | None = None) -> None:
        seed = zlib.crc32(self.grey.tobytes())
        noise = np.random.default_rng(seed).integers(0, 100, self.layout.shape, np.uint8)
        self.observations.publish(
            observation_message(
                noise + np.uint8(self.grey[0] / 2),
                self.layout,
                self.episode,
                self.step,
                self.get_clock().now().to_msg(),
                task="toy",
            )
        )


def main() -> None:
    run(lambda: ToyBridge("bridge"))
