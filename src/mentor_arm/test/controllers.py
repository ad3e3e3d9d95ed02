"""The controllers of franka_ros2, and whoever asks the arm to move and to recover."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
from asking import answer
from fake_peer import FakePeer
from geometry_msgs.msg import PoseStamped, WrenchStamped
from rclpy.action import ActionClient, ActionServer, CancelResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from task_node import TASK

from mentor_common.arm.messages import stamped_pose, stamped_wrench
from mentor_msgs.action import MoveTo, Recover

WORKSPACE = TASK.workspace


class Controllers(FakePeer):
    """Whoever moves the arm and asks it to recover, and franka_ros2, whose recovery takes long."""

    def __init__(self) -> None:
        super().__init__("cell")
        group = ReentrantCallbackGroup()
        self.recovering, self.cancelled = threading.Event(), threading.Event()
        self._poses = self.node.create_publisher(PoseStamped, "current_pose", 10)
        self._wrenches = self.node.create_publisher(WrenchStamped, "external_wrench", 10)
        self.node.create_timer(0.05, self._publish, callback_group=group)
        self._server: Any = ActionServer(
            self.node, Recover, "action_server/error_recovery", self._recover,
            cancel_callback=lambda _: CancelResponse.ACCEPT, callback_group=group,
        )  # fmt: skip
        self._clients: dict[Any, Any] = {
            kind: ActionClient(self.node, kind, name, callback_group=group)
            for kind, name in ((Recover, "recover"), (MoveTo, "move_to"))
        }
        self.reports = self.record_diagnostics("arm")
        self.behind = 0  # seconds by which the controllers' clock is behind
        self.force = 0.0  # N
        self.silent = False  # whether nothing is published
        self.begin(threads=4)

    def _publish(self) -> None:
        """Publish that the arm stands still, wherever it is sent, and the force on it."""
        if self.silent:
            return
        stamp = self.node.get_clock().now().to_msg()
        stamp.sec -= self.behind
        self._poses.publish(stamped_pose(*WORKSPACE.pose([0.0, 0.0]), stamp, WORKSPACE.frame))
        wrench = np.array([0.0, 0.0, self.force, 0.0, 0.0, 0.0])
        self._wrenches.publish(stamped_wrench(wrench, stamp, "tool"))

    def _recover(self, handle: Any) -> Recover.Result:
        self.recovering.set()
        until = time.monotonic() + 20.0
        while not handle.is_cancel_requested and time.monotonic() < until:
            time.sleep(0.01)
        self.cancelled.set()
        handle.canceled()
        return Recover.Result()

    def send(self, goal: Any) -> Any:
        client = next(
            client for kind, client in self._clients.items() if isinstance(goal, kind.Goal)
        )
        self.wait_until_active(client.server_is_ready, "the arm")
        handle = answer(lambda: client.send_goal_async(goal), wait_for)
        assert handle.accepted
        return handle


def wait_for(future: Any, seconds: float) -> None:
    event = threading.Event()
    future.add_done_callback(lambda _: event.set())
    event.wait(seconds)
