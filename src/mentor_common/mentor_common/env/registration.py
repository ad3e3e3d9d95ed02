"""Registers the environments of the whole stack with gymnasium."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

import gymnasium

ROS_ENV_ID = "mentor/ros-v0"
GROUP = "mentor.environments"
"""Entry points of functions that register a package's own environments."""


@cache
def register_environments() -> None:
    """Register ``mentor/ros-v0`` and the environments of every installed package.

    gymnasium loads no entry points since its version 1.0. Importing :mod:`mentor_common.env` calls
    this function, as importing a package of environments does everywhere.
    """
    # gymnasium's checker takes a first reset that was refused for one that succeeded, and fails at
    # the first step after the next one.
    gymnasium.register(
        ROS_ENV_ID, entry_point="mentor_common.env.ros_env:RosEnv", disable_env_checker=True
    )
    for entry_point in entry_points(group=GROUP):
        entry_point.load()()
