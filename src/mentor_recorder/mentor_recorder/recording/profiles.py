"""Which topics of a cell a recording takes."""

from __future__ import annotations

import re

from mentor_common.messages import topics
from mentor_common.messages.topics import Topic

PROFILES = ("experience", "full", "fault")

EXPERIENCE: tuple[Topic, ...] = (
    topics.OBSERVATION,
    topics.ACTION,
    topics.MOTION,
    topics.REWARD,
    topics.EPISODE_START,
    topics.EXPERT_USAGE,
    topics.GROUND_TRUTH,
    topics.TRAINING,
    topics.DIAGNOSTICS,
)
"""What every profile takes: all that is learned from, and how the nodes were."""

_FULL = re.compile(
    r"^(clock|tf|tf_static|arm/(current|target)_pose|joint_states|wrench|robot_description"
    r"|camera/[^/]+/color/(image_raw|camera_info|image_raw/compressed)"
    r"|camera/[^/]+/(aligned_depth_to_color|depth)/(image_raw|camera_info|image_rect_raw))$"
)
GLOBAL = ("/tf", "/tf_static", "/parameter_events", "/clock")
"""Topics that all cells share, and that the profiles `full` and `fault` take."""


def found_by_profile(profile: str, name: str) -> bool:
    """Return whether a profile takes a topic that was found in the graph.

    Args:
        profile: one of ``PROFILES``.
        name: relative to the cell's namespace, or absolute for topics that all cells share.
    """
    if profile == "experience":
        return name in ("clock", "/clock")
    return name in GLOBAL or _FULL.match(name) is not None
