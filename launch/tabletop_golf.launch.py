"""The tabletop golf cell: arm and cameras, stacker, reward, reset, and the policy."""

from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

CELL = {"task_name": "tabletop_golf", "camera_1": "wrist", "camera_2": "side",
        "camera_3": "court_long", "camera_4": "court_short"}  # fmt: skip


def generate_launch_description():
    """Return the cell of this task."""
    parts = PathJoinSubstitution([FindPackageShare("mentor_bringup"), "launch", "parts"])
    source = PythonLaunchDescriptionSource([parts, "/cell.launch.py"])
    return LaunchDescription([IncludeLaunchDescription(source, launch_arguments=CELL.items())])
