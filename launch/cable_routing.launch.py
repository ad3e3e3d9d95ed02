"""The cable routing cell: arm and cameras, stacker, reward, reset, and the policy."""

from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

CELL = {
    "task_name": "cable_routing",
    "camera_1": "side",
    "camera_2": "slot_1",
    "camera_3": "slot_2",
}


def generate_launch_description():
    """Return the cell of this task."""
    parts = PathJoinSubstitution([FindPackageShare("mentor_bringup"), "launch", "parts"])
    source = PythonLaunchDescriptionSource([parts, "/cell.launch.py"])
    return LaunchDescription([IncludeLaunchDescription(source, launch_arguments=CELL.items())])
