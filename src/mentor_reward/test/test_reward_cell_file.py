"""The reward node of the golf cell with full captures on its topics, over real DDS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from builtin_interfaces.msg import Time
from fake_peer import FakePeer
from task_node import TASK_FILE, task_node
from test_golf_tracker import BALL, CAMERAS, TASK, picture

from mentor_common.messages import topics
from mentor_common.messages.experience import (
    action_message,
    nanoseconds_to_time,
    observation_message,
)
from mentor_common.messages.images import array_to_image
from mentor_msgs.msg import Action, Motion, Observation, Reward

CELL = "name: mine\ncameras:\n" + "".join(
    f"  {name}: {{crop: {{x: 300, y: 200, width: 168, height: 168}}}}\n" for name in CAMERAS
)


class GolfStream(FakePeer):
    """Publishes what leads to rewards of the golf cell, and keeps the rewards."""

    def __init__(self) -> None:
        super().__init__("golf_stream")
        make, qos = self.node.create_publisher, topics.EXPERIENCE_QOS
        self._motions = make(Motion, "motion", qos)
        self._observations = make(Observation, "observation", qos)
        self._actions = make(Action, "action", qos)
        images = {name: topics.camera_image(name) for name in CAMERAS}
        self._images = {name: make(t.type, t.name, t.qos) for name, t in images.items()}
        self.rewards: list[Reward] = []
        self.record_diagnostics("reward")
        self.node.create_subscription(Reward, "reward", self.rewards.append, qos)
        self.begin()

    def wait_for_node(self) -> None:
        """Wait until the reward node receives everything, and is received."""
        publishers = [self._motions, self._observations, self._actions, *self._images.values()]
        self.wait_until_active(
            lambda: (
                all(publisher.get_subscription_count() > 0 for publisher in publishers)
                and bool(self.node.get_publishers_info_by_topic("/reward"))
            ),
            "the reward node",
        )

    def step(self, step: int, captures: dict[str, np.ndarray]) -> None:
        """Publish a step that ends at this time, with an image of each camera."""
        stamp: Time = nanoseconds_to_time(self.node.get_clock().now().nanoseconds)
        for name, pixels in captures.items():
            self._images[name].publish(array_to_image(pixels, "rgb8", stamp))
        motion = Motion(episode=1, step=step, normalized=[0.0] * len(TASK.workspace.axes))
        motion.begin = motion.end = motion.header.stamp = stamp
        self._motions.publish(motion)
        blank = np.zeros(TASK.layout.shape, np.uint8)
        self._observations.publish(observation_message(blank, TASK.layout, 1, step, stamp))
        self._actions.publish(action_message([0.0] * len(TASK.action), 1, step, stamp))


def test_the_ball_is_found_in_the_region_of_a_capture_that_the_cell_file_names(tmp_path: Path):
    cell_file = tmp_path / "mine.yaml"
    cell_file.write_text(CELL)
    captures = {}
    for name in CAMERAS:
        captures[name] = np.full((480, 640, 3), 90, np.uint8)
        captures[name][200:368, 300:468] = picture(name, BALL)
    golf = TASK_FILE.with_name("tabletop_golf.yaml")
    stream = GolfStream()
    try:
        with task_node("mentor_reward.nodes.reward_node", task=golf, cell_file=cell_file):
            stream.wait_for_node()
            for step in range(3):
                rewards = len(stream.rewards)
                stream.step(step, captures)
                stream.wait(lambda before=rewards: len(stream.rewards) > before, 3.0)
            assert stream.rewards, "no reward"
            last = stream.rewards[-1]
            assert last.valid, last.reason
            states = dict(zip(last.state_names, last.states, strict=True))
            assert np.hypot(states["ball_x"] - BALL[0], states["ball_y"] - BALL[1]) < 0.01
    finally:
        stream.close()
