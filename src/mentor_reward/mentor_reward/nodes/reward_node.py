"""Node: publishes the reward of every step, computed by the reward model of the task."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from sensor_msgs.msg import CompressedImage, Image

from mentor_common.cell.cell_file import find_cell
from mentor_common.messages import topics
from mentor_common.messages.experience import (
    ExperienceError,
    reward_message,
)
from mentor_common.messages.images import ImageError
from mentor_common.messages.topics import Topic
from mentor_common.node import health
from mentor_common.node.camera_images import CAMERA_PARAMETERS, CameraImages
from mentor_common.node.cell_node import CellNode
from mentor_common.node.debug_log import debug
from mentor_common.node.drop_log import DropLog
from mentor_common.node.parameters import TASK, Param, wall_seconds
from mentor_common.node.running import main as run_node
from mentor_common.tasks.reward_model import RewardOptions, StampedImage, make_reward
from mentor_common.tasks.task import find_task
from mentor_msgs.msg import Motion
from mentor_reward.steps.episode_rewards import EpisodeRewards
from mentor_reward.steps.step_reader import ReadStep, Refused, StepReader

_TICK = 0.05  # seconds of wall time between two checks for steps of which something is missing


class RewardNode(CellNode):
    """Publishes Reward(e, k) for every step k >= 1, once all that its reward needs is there.

    A step whose motion failed, or of which something does not arrive within
    ``observation_timeout``, is not valid and ends the episode as truncated: nothing is learned from
    it. A node that is started again begins with what is new.
    """

    NAME = "reward"
    PARAMETERS: ClassVar = (
        TASK,
        Param(
            "states", "str", "sensors",
            "what the reward is computed from: the cell's sensors (cameras, the arm's pose), or "
            "the ground truth of a twin", choices=("sensors", "ground_truth"), read_only=True,
        ),
        Param(
            "weights", "str", "",
            "folder of learned weights; empty: those that come with the reward's package",
            read_only=True,
        ),
        Param(
            "cell_file", "str", "",
            "path of the cell file, whose crops replace the task's; empty: none",
            read_only=True,
        ),
        Param(
            "max_steps", "int", 0, "steps after which an episode is truncated; 0: that of the task",
            low=0, high=1_000_000, read_only=True,
        ),
        wall_seconds("observation_timeout", 2.0, "after a motion in which its observation, and "
                     "whatever else the reward needs, must come", 0.1, 60.0, read_only=True),
        *CAMERA_PARAMETERS,  # of the cameras that the reward alone sees
        Param(
            "threads", "int", 1, "threads of the reward's networks", low=1, high=16, read_only=True
        ),
    )  # fmt: skip

    def configure(self) -> None:
        """Make the reward model, the publisher and the subscriptions."""
        task = find_task(self.text("task"))
        states: Any = self.text("states")
        model = make_reward(
            task, RewardOptions(states, self.text("weights"), self.integer("threads"))
        )
        self._awaited: list[Any] = []
        self._steps = StepReader(
            task,
            model.needs,
            self.number("observation_timeout"),
            self._every_topic_is_matched,
            find_cell(self.text("cell_file")),
        )
        self._episodes = EpisodeRewards(model, self.integer("max_steps") or task.episode.max_steps)
        self._rewards = self.publisher(topics.REWARD)
        self._images, reader = CameraImages(self, self._steps.forget_images), self._steps
        self._read(topics.MOTION, self._add_motion)
        self._read(topics.OBSERVATION, reader.add_observation)
        self._read(topics.ACTION, reader.add_action, required=False)
        if model.needs.ground_truth:
            self._read(topics.GROUND_TRUTH, reader.add_ground_truth)
        self._read(
            topics.EPISODE_START, reader.add_episode_start, required=model.needs.episode_start
        )
        for camera in model.needs.cameras:
            self._read(self._images.topic(camera), partial(self._add_image, camera))
        self.peers.subscriber_of(topics.REWARD, "agent", required=False)
        self._ticker = self.ticker(_TICK, self._publish_ready)
        self._drops = DropLog(self.get_logger().warning)
        self._cuts = DropLog(lambda text: self.get_logger().error(text))
        self._published = self.health.rate("rewards")
        self._value = self.health.gauge("reward")
        self._computing = self.health.timing("computation of a reward")
        self._faults = self.health.counter("steps that are not valid")
        self._refused = self.health.counter("malformed messages dropped")
        self._repeated = self.health.counter("repeated messages")

    def cleanup(self) -> None:
        """Watch the clock no longer."""
        self._images.close()

    def _read(self, topic: Topic, add: Callable[[Any, float], None], required: bool = True) -> None:
        """Subscribe to what the reward needs; a message that is refused is dropped."""

        def receive(message: Any) -> None:
            try:
                add(message, time.monotonic())
            except (Refused, ExperienceError, ImageError) as error:
                self._refused.add()
                self._drops.note(f"a message on {topic.name} is dropped: {error}")
            self._publish_ready()

        made = self.subscription(topic, receive, low_latency=True)
        if required or topic == topics.ACTION:  # it shows which steps have had their rewards
            self._awaited.append(made)
        self.peers.publisher_of(topic, required=required)

    def _every_topic_is_matched(self) -> bool:
        return all(subscription.get_publisher_count() for subscription in self._awaited)

    def _add_motion(self, message: Motion, now: float) -> None:
        self._steps.add_motion(message, now)
        if message.failed:
            # What would not be learned from is not waited for.
            reason = f"motion failed: {message.reason or 'no reason given'}"
            step = self._steps.finish(message.episode, message.step, reason)
            if step is not None:
                self._publish(step)

    def _add_image(self, camera: str, message: Image | CompressedImage, now: float) -> None:
        try:
            image = StampedImage(*self._images.read(message))
        except ImageError as error:
            self.health.problem(f"image of {camera}", health.ERROR, f"camera '{camera}': {error}")
            raise
        self.health.solved(f"image of {camera}")
        self._steps.add_image(camera, image, now)

    def _publish_ready(self) -> None:
        for step in self._steps.collect(time.monotonic()):
            self._publish(step)
        self._repeated.add(self._steps.join.counts.duplicates - self._repeated.total)
        self._ticker.want(self._steps.waiting)

    def _publish(self, step: ReadStep) -> None:
        with self._computing.measured():
            computed = self._episodes.compute(step)
        if computed is None:
            return
        reward, motion = computed.reward, step.motion
        self._rewards.publish(
            reward_message(
                reward.value,
                motion.episode,
                motion.step,
                motion.end,
                terms=reward.terms,
                terminated=reward.terminated,
                truncated=computed.truncated,
                success=reward.success,
                valid=reward.valid,
                reason=reward.reason,
                states=reward.states,
            )
        )
        debug(self, lambda: f"reward ({motion.episode}, {motion.step}): {reward}")
        self._published.add()
        if reward.valid:
            self._value.set(reward.value)
            self.health.solved("fault")
            return
        self._faults.add()
        text = f"episode {motion.episode} is cut off at step {motion.step}: {reward.reason}"
        self.health.problem("fault", health.ERROR, text)
        self._cuts.note(text)


def main() -> None:
    """Run the reward node."""
    run_node(RewardNode)


if __name__ == "__main__":
    main()
