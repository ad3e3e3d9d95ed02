"""Names, types and QoS of the topics, services and actions that packages share, written once.

All names but ``/diagnostics`` and ``/clock`` are relative, so that a namespace holds a cell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped, WrenchStamped
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Bool, String

from mentor_common.messages.qos import best_effort, reliable, transient_local
from mentor_msgs.action import Gripper, MoveTo, Recover, ResetEpisode
from mentor_msgs.msg import (
    Action,
    EpisodeStart,
    ExpertUsage,
    GroundTruth,
    Motion,
    Observation,
    PolicyWeights,
    Reward,
    TrainingStats,
)
from mentor_msgs.srv import Backfill, Describe

HISTORY = 256
"""Messages of experience that a late subscriber still gets."""
EVALUATION = "evaluation"
"""``header.frame_id`` of the actions of an evaluation episode: no learner learns from it."""


EXPERIENCE_QOS = transient_local(HISTORY)
NEWEST_QOS = transient_local(1)
STATE_QOS = reliable(10)
CLOCK_QOS = best_effort(1)
LOSSLESS_IMAGE_QOS = reliable(30)
"""For images that must all arrive: of a twin in lockstep."""
IMAGE_QOS: QoSProfile = qos_profile_sensor_data


@dataclass(frozen=True)
class Topic:
    """A topic.

    Args:
        name: relative to the cell's namespace.
        type: type of the messages.
        qos: offered and asked for.
        publisher: who usually publishes it.
        echoed: whether a silent VOLATILE publisher stands beside the real one. `ros2 topic echo`
            asks for TRANSIENT_LOCAL only where all publishers offer it, and then shows the oldest
            message that is kept; with this one, it shows the next.
    """

    name: str
    type: Any
    qos: QoSProfile
    publisher: str = ""
    echoed: bool = False


@dataclass(frozen=True)
class Interface:
    """A service or an action: its relative name, type and who usually serves it.

    Args:
        name: relative.
        type: type of the messages.
        server: who usually serves it.
        caller: topic whose holder in the cell sends the goals; None: anybody does.
        exclusive: whether goals of others are refused while that topic has a holder.
    """

    name: str
    type: Any
    server: str = ""
    caller: Topic | None = None
    exclusive: bool = False


OBSERVATION = Topic(
    "observation", Observation, EXPERIENCE_QOS, "stacker or benchmark bridge", echoed=True
)
ACTION = Topic("action", Action, EXPERIENCE_QOS, "agent")
MOTION = Topic("motion", Motion, EXPERIENCE_QOS, "arm or twin")
REWARD = Topic("reward", Reward, EXPERIENCE_QOS, "reward node or benchmark bridge")
EPISODE_START = Topic("episode_start", EpisodeStart, EXPERIENCE_QOS, "reset node")
EXPERT_USAGE = Topic("expert_usage", ExpertUsage, STATE_QOS, "agent")
GROUND_TRUTH = Topic("ground_truth", GroundTruth, EXPERIENCE_QOS, "twin")
POLICY_WEIGHTS = Topic("policy_weights", PolicyWeights, NEWEST_QOS, "learner")
TRAINING = Topic("training", TrainingStats, STATE_QOS, "learner")
CURRENT_POSE = Topic("arm/current_pose", PoseStamped, STATE_QOS, "arm or twin")
TARGET_POSE = Topic("arm/target_pose", PoseStamped, STATE_QOS, "arm or twin")
JOINT_STATES = Topic("joint_states", JointState, STATE_QOS, "arm or twin")
WRENCH = Topic("wrench", WrenchStamped, STATE_QOS, "arm or twin")
ROBOT_DESCRIPTION = Topic("robot_description", String, NEWEST_QOS, "arm or twin")
DIAGNOSTICS = Topic("/diagnostics", DiagnosticArray, STATE_QOS, "every node")
CLOCK = Topic("/clock", Clock, CLOCK_QOS, "twin")

RESET_EPISODE = Interface(
    "reset_episode", ResetEpisode, "reset node or benchmark bridge", caller=ACTION, exclusive=True
)
MOVE_TO = Interface("move_to", MoveTo, "arm or twin", caller=EPISODE_START)
GRIPPER = Interface("gripper", Gripper, "arm or twin", caller=EPISODE_START)
RECOVER = Interface("recover", Recover, "arm or twin", caller=EPISODE_START)
DESCRIBE = Interface("describe", Describe, "environment")
BACKFILL = Interface("backfill", Backfill, "actor")


def options_of(topic: Topic) -> dict[str, Any]:
    """Return options of rclpy's ``create_subscription``.

    The silent publisher of an echoed topic is no reason for a warning of the client library; the
    peer watch names a publisher that does not fit.
    """
    if not topic.echoed:
        return {}
    return {"event_callbacks": SubscriptionEventCallbacks(incompatible_qos=lambda _: None)}


def of_any_publisher(topic: Topic) -> Topic:
    """Return a topic as it is subscribed to where drivers of others may publish it: BEST_EFFORT."""
    return replace(topic, qos=best_effort(topic.qos.depth))


def camera_image(camera: str) -> Topic:
    """Return the colour images of a camera, named as realsense2_camera names them."""
    return Topic(f"camera/{camera}/color/image_raw", Image, IMAGE_QOS, f"camera '{camera}' or twin")


def camera_info(camera: str) -> Topic:
    """Return the intrinsics that belong to :func:`camera_image`."""
    return Topic(
        f"camera/{camera}/color/camera_info", CameraInfo, IMAGE_QOS, f"camera '{camera}' or twin"
    )


def device_signal(device: str, publisher: str) -> Topic:
    """Return the topic of a simulated switch or sensor besides the arm."""
    return Topic(f"device/{device}", Bool, NEWEST_QOS, publisher)
