"""What every arm publishes, made from its outcomes and states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Pose, PoseStamped, WrenchStamped
from sensor_msgs.msg import JointState

from mentor_common.arm.arm import MotionOutcome
from mentor_common.messages.experience import nanoseconds_to_time
from mentor_common.tasks.task import Task
from mentor_common.tasks.workspace import Workspace
from mentor_msgs.action import MoveTo
from mentor_msgs.msg import Motion
from mentor_msgs.srv import Describe

Float64 = npt.NDArray[np.float64]


def pose_message(position: Float64, quaternion: Float64) -> Pose:
    """Return a Pose of position (3,) in metres and quaternion (x, y, z, w)."""
    pose = Pose()
    pose.position.x, pose.position.y, pose.position.z = position.tolist()
    turn = pose.orientation
    turn.x, turn.y, turn.z, turn.w = quaternion.tolist()
    return pose


def stamped_pose(position: Float64, quaternion: Float64, stamp: Time, frame: str) -> PoseStamped:
    """Return a PoseStamped of position (3,) in metres and quaternion (x, y, z, w)."""
    message = PoseStamped(pose=pose_message(position, quaternion))
    message.header.stamp, message.header.frame_id = stamp, frame
    return message


def clipped_start(workspace: Workspace, goal: MoveTo.Goal) -> str:
    """Return that the start of an episode lies outside its window; empty: it does not."""
    if not goal.begins_episode or not len(goal.target):
        return ""
    start, _ = workspace.clip(goal.target, workspace.checked_offset(goal.window_offset))
    if np.allclose(start, goal.target, atol=1e-6):  # what is sampled is float32
        return ""
    wanted, nearest = (
        np.round(np.array(place, float), 4).tolist() for place in (goal.target, start)
    )
    return f"the start {wanted} was clipped to {nearest}, the window of the episode"


def joint_message(
    names: Sequence[str], state: tuple[Float64, Float64, Float64], stamp: Time
) -> JointState:
    """Return a JointState of positions, velocities and efforts, (joints,) each."""
    message = JointState(name=list(names))
    message.header.stamp = stamp
    message.position, message.velocity, message.effort = (part.tolist() for part in state)
    return message


def stamped_wrench(wrench: Float64, stamp: Time, frame: str) -> WrenchStamped:
    """Return a WrenchStamped of force (N) and torque (N m), (6,)."""
    message = WrenchStamped()
    message.header.stamp, message.header.frame_id = stamp, frame
    force, torque = message.wrench.force, message.wrench.torque
    force.x, force.y, force.z, torque.x, torque.y, torque.z = wrench.tolist()
    return message


def motion_message(episode: int, step: int, outcome: MotionOutcome, frame: str) -> Motion:
    """Return the Motion that led to a step."""
    message = Motion(
        episode=episode,
        step=step,
        clipped=outcome.clipped,
        failed=outcome.failed,
        reason=outcome.reason,
        normalized=outcome.normalized.astype(np.float32).tolist(),
        pose=pose_message(outcome.position, outcome.quaternion),
    )
    message.begin = nanoseconds_to_time(outcome.begin)
    message.end = message.header.stamp = nanoseconds_to_time(outcome.end)
    message.header.frame_id = frame
    return message


def describe_task(task: Task, environment: str, response: Describe.Response) -> Describe.Response:
    """Fill in a task's description of its environment; readiness is left to the caller."""
    layout = task.layout
    response.task, response.environment = task.name, environment
    response.cameras = list(layout.cameras)
    response.frames, response.height, response.width = layout.frames, layout.height, layout.width
    response.stacked = layout.stacked
    response.action_names = list(task.action_names)
    response.action_low = [-1.0] * len(task.action)
    response.action_high = [1.0] * len(task.action)
    response.period = task.episode.period
    response.max_steps = task.episode.max_steps
    response.action_repeat = 1
    return response
