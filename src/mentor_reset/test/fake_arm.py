"""An arm and a stacker for the tests: serves `move_to` and `recover`, publishes pose and step 0."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from asking import answer
from fake_peer import FakePeer
from geometry_msgs.msg import PoseStamped
from rclpy.action import ActionClient, ActionServer, CancelResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.qos import qos_profile_sensor_data
from task_node import TASK

from mentor_common.messages import topics
from mentor_msgs.action import MoveTo, Recover, ResetEpisode
from mentor_msgs.msg import EpisodeStart, Observation


class FakeArm(FakePeer):
    """Moves at once, unless ``answer`` or ``slow`` say otherwise, and remembers its goals."""

    def __init__(self) -> None:
        self.goals: list[Any] = []
        self.feedback: list[Any] = []
        self.starts: list[EpisodeStart] = []
        self.cancelled = 0
        self.position = np.array([-0.5, -0.9], np.float32)
        self.forget()
        super().__init__("fake_arm")
        group = ReentrantCallbackGroup()
        self._poses = self.node.create_publisher(
            PoseStamped,
            topics.CURRENT_POSE.name,
            qos_profile_sensor_data,  # as franka_ros2
        )
        self._observations = self.node.create_publisher(
            Observation, topics.OBSERVATION.name, topics.EXPERIENCE_QOS
        )
        self.node.create_timer(0.02, self._tell_pose, callback_group=group)
        self._client: Any = ActionClient(
            self.node, ResetEpisode, topics.RESET_EPISODE.name, callback_group=group
        )
        self._group = group
        self._server: Any = None
        topic = topics.EPISODE_START
        self.node.create_subscription(
            topic.type, topic.name, self.starts.append, topic.qos, callback_group=group
        )
        self._recovery: Any = ActionServer(
            self.node, Recover, topics.RECOVER.name, self._recover, callback_group=group
        )
        self.serve()
        self.begin(threads=4)

    def forget(self) -> None:
        """Begins anew: no goals remembered, no trouble."""
        self.goals.clear()
        self.feedback.clear()
        self.starts.clear()
        self.recovered = 0
        self.answer: Callable[[Any], str] = lambda goal: ""  # the reason of a failure
        self.recovery: Callable[[], str] = lambda: ""  # the same of a recovery
        self.stops_short = 0.0  # of the target, normalised
        self.slow: Callable[[Any], float] = lambda goal: 0.0
        self.shows = True
        self.lost = False  # whether its pose is NaN
        self.cancelled = 0

    def serve(self) -> None:
        """Begins to serve `move_to`."""
        self._server = ActionServer(
            self.node,
            MoveTo,
            topics.MOVE_TO.name,
            self._execute,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=self._group,
        )

    def vanish(self) -> None:
        """Serves `move_to` no more."""
        self._server.destroy()

    def reset(
        self,
        seed: int | None = None,
        timeout: float = 0.0,
        cancel_after: float = 0.0,
        options: dict[str, str] | None = None,
    ) -> Any:
        """Call `reset_episode` and wait for its result."""
        goal = ResetEpisode.Goal(seeded=seed is not None, seed=seed or 0, timeout=timeout)
        goal.option_names, goal.option_values = list(options or {}), list((options or {}).values())
        assert self._client.wait_for_server(60.0), "the reset node did not come"

        def send() -> Any:
            return self._client.send_goal_async(
                goal, feedback_callback=lambda m: self.feedback.append(m.feedback)
            )

        handle = answer(send, _hear)
        assert handle.accepted
        done = handle.get_result_async()
        if cancel_after:
            time.sleep(cancel_after)
            _wait(handle.cancel_goal_async())
        return _wait(done)

    def show(self, episode: int) -> None:
        """Publishes the observation of step 0 of an episode."""
        self._observations.publish(Observation(episode=episode, step=0))

    def _tell_pose(self) -> None:
        place, turn = TASK.workspace.pose(self.position)
        message = PoseStamped()
        message.header.stamp = self.node.get_clock().now().to_msg()
        point, quaternion = message.pose.position, message.pose.orientation
        point.x, point.y, point.z = (math.nan if self.lost else float(v) for v in place)
        quaternion.x, quaternion.y, quaternion.z, quaternion.w = (float(v) for v in turn)
        self._poses.publish(message)

    def _execute(self, handle: Any) -> Any:
        goal = handle.request
        self.goals.append(goal)
        until = time.monotonic() + self.slow(goal)
        while time.monotonic() < until:
            if handle.is_cancel_requested:
                self.cancelled += 1
                handle.canceled()
                return MoveTo.Result(success=False, message="cancelled")
            time.sleep(0.01)
        reason = self.answer(goal)
        if reason:
            handle.abort()
            return MoveTo.Result(success=False, message=reason, reached=self.position.tolist())
        if len(goal.target):
            self.position = np.array(goal.target, np.float32) - np.float32(self.stops_short)
        if goal.begins_episode and self.shows:
            self.show(goal.episode)
        handle.succeed()
        return MoveTo.Result(success=True, reached=self.position.tolist())

    def _recover(self, handle: Any) -> Any:
        self.recovered += 1
        reason = self.recovery()
        handle.abort() if reason else handle.succeed()
        return Recover.Result(success=not reason, message=reason)


def _wait(future: Any, seconds: float = 60.0) -> Any:
    _hear(future, seconds)
    assert future.done(), "no answer"
    return future.result()


def _hear(future: Any, seconds: float) -> None:
    event = threading.Event()
    future.add_done_callback(lambda _: event.set())
    event.wait(seconds)
