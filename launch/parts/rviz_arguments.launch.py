"""Whether RViz shows the cell: declared and checked before any node is started."""

import os

from launch import LaunchDescription
from launch.actions import OpaqueFunction
from launch_ros.substitutions import FindPackageShare

from mentor_bringup.description import switch

ARGUMENTS = [
    switch("rviz", "false", "Whether RViz shows the cell; needs the packages rviz2 and "
           "robot_state_publisher of a ROS 2 distribution"),
    switch("scene", "false", "Whether markers and a dashboard image are published, for RViz "
           "elsewhere"),
]  # fmt: skip


def check_packages(context):
    """Refuse RViz where it is not installed."""
    if context.launch_configurations["rviz"] != "true":
        return
    for package in ("rviz2", "robot_state_publisher"):
        try:
            FindPackageShare(package).perform(context)
        except Exception:  # of another class in each version of launch_ros
            distribution = os.environ.get("ROS_DISTRO", "<distro>")
            debian = f"ros-{distribution}-{package.replace('_', '-')}"
            raise RuntimeError(
                f"rviz:=true: package {package} is not installed: install {debian}, or watch the "
                "cell in the browser with monitor:=true"
            ) from None


def generate_launch_description():
    """Declare and check the arguments."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=check_packages)])
