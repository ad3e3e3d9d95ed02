"""A camera stops within an episode: the agent gets an error in bounded time, and goes on later.

The nodes are the real ones; the cell is a clock that sends grey images.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pytest
from ament_index_python.packages import get_package_share_directory
from fake_peer import FakePeer
from geometry_msgs.msg import PoseStamped
from rclpy.action import ActionServer
from rclpy.callback_groups import ReentrantCallbackGroup

from mentor_common.env.ros_env import RosEnv
from mentor_common.env.ros_requests import EnvironmentLost
from mentor_common.messages import topics
from mentor_common.messages.experience import nanoseconds_to_time
from mentor_common.messages.images import array_to_image
from mentor_common.tasks.task import find_task
from mentor_msgs.action import MoveTo
from mentor_msgs.msg import Action, GroundTruth, Motion
from mentor_msgs.srv import Describe

pytestmark = pytest.mark.real_time

NAMESPACE = "/stopped_camera"
HALF_STEP = 250_000_000  # nanoseconds


class ClockCell(FakePeer):
    """Arm and cameras: every action takes half a second, which passes at once."""

    def __init__(self) -> None:
        self.task = find_task("cable_routing")
        self.stopped: set[str] = set()
        self.now = time.time_ns()
        self.step = 0
        self.episode = 0
        super().__init__("arm", namespace=NAMESPACE)
        group = ReentrantCallbackGroup()
        self.images = {
            name: self.node.create_publisher(t.type, t.name, topics.STATE_QOS)
            for name in self.task.observed_cameras
            for t in [topics.camera_image(name)]
        }
        qos = topics.EXPERIENCE_QOS
        self.motions = self.node.create_publisher(Motion, "motion", qos)
        self.truth = self.node.create_publisher(GroundTruth, "ground_truth", qos)
        self.poses = self.node.create_publisher(PoseStamped, "arm/current_pose", 10)
        self.node.create_subscription(Action, "action", self.on_action, qos, callback_group=group)
        self.node.create_service(Describe, "describe", self.on_describe, callback_group=group)
        self.node.create_timer(0.05, self.tell_pose, callback_group=group)
        ActionServer(self.node, MoveTo, "move_to", self.on_move, callback_group=group)
        self.begin(threads=3)

    def tell_pose(self) -> None:
        message = PoseStamped()
        message.pose.orientation.x = 1.0
        self.poses.publish(message)

    def picture(self) -> None:
        grey = np.full((84, 84, 3), self.now // 1_000_000 % 251, np.uint8)
        for name, publisher in self.images.items():
            if name not in self.stopped:
                publisher.publish(array_to_image(grey, "rgb8", nanoseconds_to_time(self.now)))

    def moved(self, begin: int) -> None:
        truth = GroundTruth(episode=self.episode, step=self.step)
        truth.names, truth.values = ["slot_1", "slot_2"], [0.0, 0.0]
        self.truth.publish(truth)
        message = Motion(episode=self.episode, step=self.step)
        message.begin, message.end = nanoseconds_to_time(begin), nanoseconds_to_time(self.now)
        self.motions.publish(message)

    def on_action(self, message: Action) -> None:
        if (message.episode, message.step) != (self.episode, self.step):
            return
        begin = self.now
        self.picture()
        for _ in range(2):
            self.now += HALF_STEP
            self.picture()
        self.step += 1
        self.moved(begin)

    def on_move(self, handle: object) -> MoveTo.Result:
        goal = handle.request  # type: ignore[attr-defined]
        if goal.begins_episode:
            self.now += HALF_STEP
            self.episode, self.step = goal.episode, 0
            self.picture()
            self.moved(self.now)
        handle.succeed()  # type: ignore[attr-defined]
        return MoveTo.Result(success=True, reached=list(goal.target) or [0.0, 0.0])

    def on_describe(self, _: Describe.Request, answer: Describe.Response) -> Describe.Response:
        layout = self.task.layout
        answer.task, answer.environment, answer.ready = self.task.name, "clock", True
        answer.cameras, answer.frames = list(layout.cameras), layout.frames
        answer.height, answer.width = layout.height, layout.width
        answer.action_names = list(self.task.action_names)
        answer.action_low, answer.action_high = [-1.0, -1.0], [1.0, 1.0]
        answer.period, answer.max_steps, answer.action_repeat = 0.5, 40, 1
        return answer


def start(module: str, *parameters: str) -> subprocess.Popen[bytes]:
    arguments = [
        word for parameter in ("task:=cable_routing", *parameters) for word in ("-p", parameter)
    ]
    return subprocess.Popen(
        [sys.executable, "-m", module, "--ros-args", "-r", f"__ns:={NAMESPACE}", *arguments]
    )


ACTION = np.zeros(2, np.float32)


def wait_until_connected(env: RosEnv) -> None:
    """Until a whole step comes through: a node that has not found its peers cuts an episode off.

    That is what it does in a real cell too; a test of a fault begins where there is none.
    """
    until = time.monotonic() + 120.0
    while time.monotonic() < until:
        env.reset()
        with suppress(EnvironmentLost):
            if env.step(ACTION)[4]["valid"]:
                return
    raise AssertionError("the nodes do not find each other")


@pytest.fixture(scope="module")
def cell() -> Iterator[tuple[ClockCell, RosEnv]]:
    assert get_package_share_directory("mentor_bringup"), "the task file is looked for there"
    arm = ClockCell()
    processes = [
        start(
            "mentor_camera.nodes.stacker_node",
            "frame_timeout:=0.5",
            "image_reliability:=reliable",
            "max_age:=0.0",
            "max_future:=0.0",  # the arm's time is its own
        ),
        start(
            "mentor_reward.nodes.reward_node",
            "states:=ground_truth",
            "observation_timeout:=1.0",
        ),
        start("mentor_reset.nodes.reset_node", "observation_timeout:=2.0"),
    ]
    env = RosEnv(NAMESPACE, reset_timeout=60.0)
    try:
        wait_until_connected(env)
        yield arm, env
    finally:
        env.close()
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)
        arm.close()


@pytest.mark.parametrize("camera", ["side", "slot_1", "slot_2"])
def test_the_step_ends_in_bounded_time_not_to_be_learned_from_and_the_next_episode_goes_on(
    cell: tuple[ClockCell, RosEnv], camera: str
) -> None:
    arm, env = cell
    first, _ = env.reset(seed=1)
    seen, _, terminated, truncated, info = env.step(ACTION)
    assert info["valid"] and not (terminated or truncated) and not np.array_equal(seen, first)

    arm.stopped.add(camera)
    began = time.monotonic()
    last, _, terminated, truncated, info = env.step(ACTION)
    assert time.monotonic() - began < 6.0
    assert truncated and not terminated and not info["valid"]
    assert "no observation from the stacker" in info["reason"]
    assert np.array_equal(last, seen), "of a step without observation, the last one is returned"

    arm.stopped.clear()
    env.reset()
    _, _, _, truncated, info = env.step(ACTION)
    assert info["valid"] and not truncated


def test_an_episode_does_not_begin_while_a_camera_stands(cell: tuple[ClockCell, RosEnv]) -> None:
    arm, env = cell
    arm.stopped.add("slot_1")
    result: list[str] = []
    try:
        env.reset()
    except RuntimeError as error:
        result.append(str(error))
    finally:
        arm.stopped.clear()
    assert result and "Observation" in result[0], "the reset names what is missing"
    env.reset()
    assert env.step(ACTION)[4]["valid"]
