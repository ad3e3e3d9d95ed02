"""The toy cell: the launch file of a task in a package of its own."""

from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

CELL = {"task_name": "toy_reach", "camera_1": "front", "camera_2": "overhead"}


def generate_launch_description():
    """Return the cell of this task."""
    parts = PathJoinSubstitution([FindPackageShare("mentor_bringup"), "launch", "parts"])
    source = PythonLaunchDescriptionSource([parts, "/cell.launch.py"])
    return LaunchDescription([IncludeLaunchDescription(source, launch_arguments=CELL.items())])
