"""An arm whose controllers run elsewhere, over topics: crisp_controllers, franka_ros2."""

from __future__ import annotations

import importlib
import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from geometry_msgs.msg import PoseStamped, WrenchStamped
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import JointState as JointStateMessage

from mentor_arm.backends.driver import CancelCheck, DriverError, JointState, Readings, never
from mentor_arm.backends.fci import TORQUE_LIMITS
from mentor_arm.backends.frames import commanded, matrix_of, quaternion
from mentor_arm.backends.franka_hand import FORCE, SPEED, TIMEOUT, TOLERANCE, WIDEST
from mentor_common.arm.backend import GripperCommand, GripperFailed, GripperState
from mentor_common.arm.messages import stamped_pose
from mentor_common.cell.cell_file import ControllerCell
from mentor_common.messages.experience import time_to_nanoseconds
from mentor_common.messages.qos import reliable
from mentor_common.messages.topics import Interface, Topic
from mentor_common.node.cell_node import CellNode
from mentor_common.node.remote_action import Cancelled, RemoteError

Float64 = npt.NDArray[np.float64]
SILENCE = 0.5
"""Seconds without a pose, or without the force, after which the controllers count as gone."""
TARGET_QOS = reliable(1)
_NO_FORCE = (
    "no external force is known, so arm.contact.stop_force stops nothing; name the topic on which "
    "the controllers publish it (geometry_msgs/WrenchStamped) in the cell file, under "
    "controllers.external_wrench"
)


class Ros2ControlDriver:
    """See :class:`mentor_arm.backends.driver.Driver`.

    Poses are in the workspace's frame, as the controllers have it configured. The robot's joint
    states are on the topic already, so that the arm node does not publish them again.

    Args:
        node: on which topics, services and actions are made.
        names: names of the controllers' topics, services and actions.
        frame: frame of the poses.
    """

    def __init__(self, node: CellNode, names: ControllerCell, frame: str) -> None:
        self._node, self._names, self._frame = node, names, frame
        self._lock = threading.Lock()
        self._heard = self._force_heard = 0.0
        self._force = float("nan")
        self._received = 0
        self._rate_from = (time.monotonic(), 0)
        self._rate = self._age = float("nan")
        self._pose = np.eye(4)
        self._message: JointStateMessage | None = None
        self.fault = "not connected yet"
        self._there = False
        self._target = node.create_lifecycle_publisher(PoseStamped, names.target_pose, TARGET_QOS)
        pose = Topic(
            names.current_pose,
            PoseStamped,
            qos_profile_sensor_data,
            "controllers' pose broadcaster",
        )
        node.subscription(pose, self._on_pose)
        joints = Topic(names.joint_states, JointStateMessage, qos_profile_sensor_data)
        node.subscription(joints, self._on_joints)
        node.peers.publisher_of(pose)
        if names.external_wrench:
            wrench = Topic(
                names.external_wrench,
                WrenchStamped,
                qos_profile_sensor_data,
                "controllers' wrench broadcaster",
            )
            node.subscription(wrench, self._on_wrench)
            node.peers.publisher_of(wrench)
        else:
            node.get_logger().warning(_NO_FORCE)
        self._recovery = self._action("franka_msgs", "ErrorRecovery", names.error_recovery)
        self._hands = {
            name: self._action("franka_msgs", kind, names.gripper and f"{names.gripper}/{name}")
            for name, kind in (("homing", "Homing"), ("grasp", "Grasp"), ("move", "Move"))
        }

    @property
    def joint_names(self) -> Sequence[str]:
        """Names of the joints, as the robot publishes them."""
        return () if self._message is None else tuple(self._message.name)

    @property
    def connected(self) -> bool:
        """Whether the controllers publish the arm's pose, and the force where it is named."""
        return self._there and not self._silent()

    def connect(self, cancelled: CancelCheck = never) -> None:
        """Wait for pose and force, and have the controller started where that is asked for."""
        _came(lambda: not self._silent(), SILENCE, cancelled)
        if silent := self._silent():
            raise DriverError(f"nobody publishes {silent}")
        if self._names.controller:
            self._switch(cancelled)
        self._there, self.fault = True, ""

    def observe(self) -> None:
        """See whether the controllers still publish (see Driver)."""
        now = time.monotonic()
        began, count = self._rate_from
        if now - began >= 0.5:
            self._rate = (self._received - count) / (now - began)
            self._rate_from = (now, self._received)
        if self._there and (silent := self._silent()):
            self._there, self._force = False, float("nan")
            self.fault = f"{silent} is silent for {SILENCE:g} s"

    def pose(self) -> tuple[Float64, Float64]:
        """Return the last pose that was received."""
        with self._lock:
            pose = self._pose
        return pose[:3, 3].copy(), quaternion(pose[:3, :3])

    def joint_state(self) -> JointState:
        """Return the last joint states that were received."""
        message = self._message
        if message is None:
            return np.zeros(0), np.zeros(0), np.zeros(0)
        return np.array(message.position), np.array(message.velocity), np.array(message.effort)

    def command(self, pose: Float64, velocity: Float64 | None = None) -> None:
        """Publish the target pose; its controllers take no velocity."""
        if self.fault:
            raise DriverError(self.fault)
        stamp = self._node.get_clock().now().to_msg()
        matrix = commanded(pose)
        self._target.publish(
            stamped_pose(matrix[:3, 3], quaternion(matrix[:3, :3]), stamp, self._frame)
        )

    def recover(self, timeout: float, cancelled: CancelCheck = never) -> None:
        """Have franka_ros2 end a reflex, where the cell file names its action (see Driver)."""
        if self._names.error_recovery:
            action = self._needed(self._recovery, "franka_msgs", "error recovery")
            kind = importlib.import_module("franka_msgs.action").ErrorRecovery
            try:
                action.call(kind.Goal(), timeout, cancelled=cancelled)
            except RemoteError as error:
                raise DriverError(str(error)) from error
        if self._names.controller:
            self._switch(cancelled)
        self.fault = ""

    def gripper(self, command: GripperCommand) -> GripperState:
        """Have franka_gripper carry out a command (see Driver); widths are its feedback's."""
        if not self._names.gripper:
            raise GripperFailed(
                "there is no gripper: controllers.gripper of the cell file is empty; name the "
                "prefix of its actions there"
            )
        if command.width > WIDEST:
            raise GripperFailed(f"width {command.width:g} m, at most {WIDEST:g} m")
        name = "move" if command.command == "release" else command.command
        try:
            action = self._needed(self._hands[name], "franka_msgs", f"gripper action {name}")
        except DriverError as error:
            raise GripperFailed(str(error)) from error
        goal = self._gripper_goal(name, command)
        widths = [math.nan]

        def moving(feedback: Any) -> None:
            widths.append(float(feedback.current_width))
            command.moving(widths[-1])

        try:
            result = action.call(
                goal,
                command.timeout or TIMEOUT,
                cancelled=command.cancelled,
                on_feedback=moving,
            )
        except RemoteError as error:
            raise GripperFailed(str(error)) from error
        if not result.success:
            # Its answer has no width; an error that is named was none of grasping.
            width = math.nan if result.error else widths[-1]
            reason = result.error or f"{command.command} failed without a reason"
            raise GripperFailed(reason, width)
        wanted = command.width if name == "grasp" else command.width or WIDEST
        return GripperState(wanted if math.isnan(widths[-1]) else widths[-1], name == "grasp")

    def readings(self) -> Readings:
        """Return the rate of the poses, torques where the joints report them, and the force."""
        torque = float("nan")
        message = self._message
        if message is not None and len(message.effort) >= 7:
            torque = float(np.abs(np.array(message.effort[:7]) / TORQUE_LIMITS).max())
        mode = "controllers" if self._there else "silent"
        return Readings(mode, self._rate, torque=torque, force=self._force, age=self._age)

    def close(self) -> None:
        """Publish no more; the controller holds the last target."""
        self._there = False

    def _on_pose(self, message: PoseStamped) -> None:
        point, turn = message.pose.position, message.pose.orientation
        pose = matrix_of((point.x, point.y, point.z), (turn.x, turn.y, turn.z, turn.w))
        with self._lock:
            self._pose = pose
        now = self._node.get_clock().now().nanoseconds
        self._age = (now - time_to_nanoseconds(message.header.stamp)) / 1e9
        self._heard = time.monotonic()
        self._received += 1

    def _on_wrench(self, message: WrenchStamped) -> None:
        at = message.wrench.force
        force = math.hypot(at.x, at.y, at.z)
        if math.isfinite(force):  # what is no number is as good as silence
            self._force, self._force_heard = force, time.monotonic()

    def _silent(self) -> str:
        """Return what is awaited on which topic in vain; empty: nothing."""
        awaited = [("the arm's pose", self._names.current_pose, self._heard)]
        if self._names.external_wrench:
            force = ("the external force", self._names.external_wrench, self._force_heard)
            awaited.append(force)
        now = time.monotonic()
        for what, topic, heard in awaited:
            if now - heard >= SILENCE:
                return f"{what} on {self._node.resolve_topic_name(topic)}"
        return ""

    def _on_joints(self, message: JointStateMessage) -> None:
        self._message = message

    def _action(self, package: str, kind: str, name: str) -> Any:
        """Return a client of an action; None without a name, or without its package."""
        if not name:
            return None
        try:
            module = importlib.import_module(f"{package}.action")
        except ImportError:
            return None
        return self._node.remote_action(Interface(name, getattr(module, kind), "franka_ros2"))

    def _needed(self, action: Any, package: str, what: str) -> Any:
        if action is None:
            raise DriverError(
                f"the {what} needs the ROS package {package}, which is not installed here "
                f"(rosdep install, or apt install ros-$ROS_DISTRO-{package.replace('_', '-')})"
            )
        return action

    def _gripper_goal(self, name: str, command: GripperCommand) -> Any:
        messages = importlib.import_module("franka_msgs.action")
        speed = command.speed or SPEED
        if name == "homing":
            return messages.Homing.Goal()
        if name == "move":
            return messages.Move.Goal(width=command.width or WIDEST, speed=speed)
        goal = messages.Grasp.Goal(width=command.width, speed=speed, force=command.force or FORCE)
        goal.epsilon.inner = goal.epsilon.outer = TOLERANCE
        return goal

    def _switch(self, cancelled: CancelCheck) -> None:
        """Have the controller manager start the controller. Raises: DriverError, Cancelled."""
        try:
            services = importlib.import_module("controller_manager_msgs.srv")
        except ImportError as error:
            raise DriverError(
                f"starting controller '{self._names.controller}' needs the ROS package "
                "controller_manager_msgs, which is not installed here; start it yourself and leave "
                "controllers.controller empty in the cell file"
            ) from error
        kind = services.SwitchController
        client = self._node.create_client(kind, f"{self._names.manager}/switch_controller")
        try:
            if not _came(client.service_is_ready, 2.0, cancelled):
                raise DriverError(
                    f"nobody serves {client.srv_name}; is a controller manager there?"
                )
            request = kind.Request(
                activate_controllers=[self._names.controller],
                deactivate_controllers=list(self._names.replaces),
                strictness=kind.Request.BEST_EFFORT,
            )
            future = client.call_async(request)
            if not _came(future.done, 5.0, cancelled) or not future.result().ok:
                raise DriverError(f"controller '{self._names.controller}' was not started")
        finally:
            self._node.destroy_client(client)


def _came(condition: Callable[[], bool], seconds: float, cancelled: CancelCheck) -> bool:
    """Wait until a condition holds; return False if it does not in time. Raises: Cancelled."""
    until = time.monotonic() + seconds
    while not condition():
        if cancelled():
            raise Cancelled("cancelled while the controllers were waited for")
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True
