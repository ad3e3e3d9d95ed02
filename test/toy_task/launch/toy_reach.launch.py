"""The toy cell: the launch file of a task in a package of its own."""

from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription, SetLaunchConfiguration
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

CELL = {
    "cell": "toy_reach",
    "camera_1": "front",
    "camera_2": "overhead",
    "camera_3": "",
    "camera_4": "",
}


def generate_launch_description():
    """Return the cell of this task."""
    part = [FindPackageShare("mentor_bringup"), "launch", "parts", "cell.launch.py"]
    cell = IncludeLaunchDescription(PythonLaunchDescriptionSource(PathJoinSubstitution(part)))
    return LaunchDescription([*(SetLaunchConfiguration(*item) for item in CELL.items()), cell])
