"""A tiny environment over the real topics, for the tests: a grey that the actions move.

Same seed, same actions: same observations. Parameters make it misbehave.
"""

from __future__ import annotations

import mentor_common.node.starting  # noqa: F401 (first, as in every node's script)

# isort: split
import time

import numpy as np
from asking import leave_one_goal_unanswered

from mentor_common.messages import topics
from mentor_common.messages.episode_numbers import EpisodeNumbers
from mentor_common.messages.experience import action_data, observation_message, reward_message
from mentor_common.messages.frames import FrameLayout
from mentor_common.node.cell_node import CellNode
from mentor_common.node.goal_server import Goal
from mentor_common.node.parameters import Param
from mentor_common.node.running import main
from mentor_msgs.action import ResetEpisode
from mentor_msgs.msg import Action, Reward
from mentor_msgs.srv import Describe


class GreyBridge(CellNode):
    PARAMETERS = (
        Param("cameras", "str[]", ["side"], "cameras"),
        Param("frames", "int", 3, "frames per camera", low=1, high=9),
        Param("state_size", "int", 0, "length of the state", low=0, high=9),
        Param("max_steps", "int", 20, "steps per episode", low=1, high=100000),
        Param(
            "trouble", "str", "none", "how to misbehave",
            choices=(
                "none", "reward_first", "twice", "strays", "mute",
                "slow_reset", "bad_reset", "unanswered_reset",
            ),
        ),
    )  # fmt: skip

    def configure(self) -> None:
        self.layout = FrameLayout(
            tuple(self.items("cameras")), self.integer("frames"), 84, 84, True
        )
        self.observations = self.publisher(topics.OBSERVATION)
        self.rewards = self.publisher(topics.REWARD)
        self.subscription(topics.ACTION, self.on_action, low_latency=True, from_holder_only=True)
        self.serve(topics.DESCRIBE, self.on_describe)
        self.serve_action(topics.RESET_EPISODE, self.reset, threaded=False)
        if self.text("trouble") == "unanswered_reset":
            leave_one_goal_unanswered()
        self.numbers = EpisodeNumbers()
        self.episode = 0
        self.random = np.random.default_rng()
        self.step = 0
        self.grey = np.zeros(2)

    def on_describe(
        self, request: Describe.Request, answer: Describe.Response
    ) -> Describe.Response:
        answer.task, answer.environment, answer.ready = "grey", "grey_bridge 1", self.active
        answer.message = "" if self.active else f"the bridge is {self.state_label}"
        answer.cameras, answer.frames = list(self.layout.cameras), self.layout.frames
        answer.height, answer.width, answer.stacked = 84, 84, True
        answer.state_size = self.integer("state_size")
        answer.action_names = ["light", "noise"]
        answer.action_low, answer.action_high = [-1.0, -1.0], [1.0, 1.0]
        answer.period, answer.max_steps = 0.05, self.integer("max_steps")
        answer.action_repeat = 2
        return answer

    def reset(self, goal: Goal) -> ResetEpisode.Result:
        trouble = self.text("trouble")
        if trouble == "bad_reset":
            return ResetEpisode.Result(success=False, message="the grey is stuck")
        if trouble == "slow_reset":
            goal.feedback(stage="lift", waiting_for="the arm")
            time.sleep(9.0)
        if goal.request.seeded:
            self.random = np.random.default_rng(goal.request.seed)
        self.grey = self.random.uniform(100, 150, 2)
        self.episode = self.numbers.next()
        self.step = 0
        self.see()
        return ResetEpisode.Result(success=True, episode=self.episode)

    def on_action(self, message: Action) -> None:
        if message.episode != self.episode or message.step != self.step:
            return
        trouble = self.text("trouble")
        if trouble == "mute":
            return
        self.step += 1
        self.grey = np.clip(self.grey + 5.0 * action_data(message), 0, 255)
        reward = reward_message(
            self.grey[0],
            self.episode,
            self.step,
            self.get_clock().now().to_msg(),
            terms={"light": self.grey[0]},
            truncated=self.step >= self.integer("max_steps"),
            success=self.grey[0] > 128,
        )
        if trouble == "strays":
            for stray in (
                Reward(episode=self.episode, step=self.step + 1, value=-1.0),
                Reward(episode=self.episode - 1, step=self.step, value=-1.0),
                Reward(episode=self.episode + 1, step=self.step, value=-1.0),
                Reward(episode=self.episode, step=self.step - 1, value=-1.0),
            ):
                self.rewards.publish(stray)
            self.see(self.episode - 1)
            self.see(self.episode, self.step + 5)
            self.see(self.episode, self.step - 1)
        if trouble in ("reward_first", "twice"):
            self.rewards.publish(reward)
        if trouble == "reward_first":
            time.sleep(0.02)
        self.see()
        if trouble == "twice":
            self.see()
        if trouble != "reward_first":
            self.rewards.publish(reward)

    def see(self, episode: int | None = None, step: int | None = None) -> None:
        pixels = np.full(self.layout.shape, int(self.grey[0]), np.uint8)
        size = self.integer("state_size")
        self.observations.publish(
            observation_message(
                pixels,
                self.layout,
                self.episode if episode is None else episode,
                self.step if step is None else step,
                self.get_clock().now().to_msg(),
                task="grey",
                state=np.full(size, self.grey[1], np.float32) if size else None,
            )
        )


if __name__ == "__main__":
    main(lambda: GreyBridge("bridge"))
