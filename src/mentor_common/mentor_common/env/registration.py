"""Registers RosEnv with gymnasium, found through the entry point group ``gymnasium.envs``."""

from __future__ import annotations

import gymnasium

ROS_ENV_ID = "mentor/ros-v0"


def register() -> None:
    """Makes ``gymnasium.make("mentor/ros-v0", namespace="/cell_a")`` work."""
    if ROS_ENV_ID not in gymnasium.registry:
        gymnasium.register(ROS_ENV_ID, entry_point="mentor_common.env.ros_env:RosEnv")
