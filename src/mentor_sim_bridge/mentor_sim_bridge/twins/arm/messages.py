"""What the twin publishes, made from the cell's state."""

from __future__ import annotations

import json
import math

import mujoco
import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Pose, PoseStamped
from sensor_msgs.msg import CameraInfo, JointState
from std_msgs.msg import String

from mentor_common.messages.experience import nanoseconds_to_time
from mentor_msgs.msg import Motion
from mentor_sim_bridge.twins.arm.panda import ARM_JOINTS, FINGER_JOINTS
from mentor_sim_bridge.twins.cable.cell import CableCell, MotionOutcome
from mentor_sim_bridge.twins.cable.scene import HAND_ROTATION


def pose_message(position: np.ndarray, rotation: np.ndarray) -> Pose:
    """Position (3,) in metres and rotation (3, 3) as a Pose."""
    quaternion = np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, rotation.ravel())
    pose = Pose()
    pose.position.x, pose.position.y, pose.position.z = position.tolist()
    orientation = pose.orientation
    orientation.w, orientation.x, orientation.y, orientation.z = quaternion.tolist()
    return pose


def pose_messages(cell: CableCell, stamp: Time, frame: str) -> tuple[PoseStamped, PoseStamped]:
    """Where the grasp point is, and where the controller draws it."""
    current, target = PoseStamped(), PoseStamped()
    for message in (current, target):
        message.header.stamp, message.header.frame_id = stamp, frame
    current.pose = pose_message(cell.pose, cell.rotation)
    target.pose = pose_message(cell.target_pose, HAND_ROTATION)
    return current, target


def joint_message(cell: CableCell, stamp: Time) -> JointState:
    """Positions, velocities and efforts of the arm's joints and both fingers."""
    message = JointState(name=[*ARM_JOINTS, *FINGER_JOINTS])
    message.header.stamp = stamp
    position, velocity, effort = cell.joint_state()
    message.position, message.velocity = position.tolist(), velocity.tolist()
    message.effort = effort.tolist()
    return message


def camera_info_message(cell: CableCell, camera: str, size: tuple[int, int]) -> CameraInfo:
    """Intrinsics of a camera without distortion; size is height and width in pixels."""
    height, width = size
    fovy = math.radians(float(cell.model.camera(camera).fovy[0]))
    focal = height / 2 / math.tan(fovy / 2)
    message = CameraInfo(height=height, width=width, distortion_model="plumb_bob")
    message.d = [0.0] * 5
    message.k = [focal, 0.0, width / 2, 0.0, focal, height / 2, 0.0, 0.0, 1.0]
    message.r = np.eye(3).ravel().tolist()
    message.p = [focal, 0.0, width / 2, 0.0, 0.0, focal, height / 2, 0.0, 0.0, 0.0, 1.0, 0.0]
    message.header.frame_id = f"{camera}_color_optical_frame"
    return message


def motion_message(
    cell: CableCell, episode: int, step: int, outcome: MotionOutcome, frame: str
) -> Motion:
    """The motion that led to a step."""
    message = Motion(
        episode=episode,
        step=step,
        clipped=outcome.clipped,
        failed=outcome.failed,
        reason=outcome.reason,
        normalized=outcome.normalized.astype(np.float32).tolist(),
    )
    message.begin = nanoseconds_to_time(outcome.begin)
    message.end = message.header.stamp = nanoseconds_to_time(outcome.end)
    message.header.frame_id = frame
    message.pose = pose_message(cell.pose, cell.rotation)
    return message


def truth_message(cell: CableCell, episode: int, step: int) -> String:
    """The true slot states as JSON: episode, step, slot_1, slot_2."""
    slot_1, slot_2 = cell.slot_states()
    return String(
        data=json.dumps(
            {"episode": episode, "step": step, "slot_1": int(slot_1), "slot_2": int(slot_2)}
        )
    )
