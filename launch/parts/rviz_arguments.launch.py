"""Whether RViz shows the cell: declared and checked before any node is started."""

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
        except Exception as error:  # of another class in each version of launch_ros
            raise RuntimeError(f"rviz:=true: {error}") from None


def generate_launch_description():
    """Declare and check the arguments."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=check_packages)])
