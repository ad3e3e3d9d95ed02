"""The cable routing cell: arm and cameras, stacker, reward, reset, and the policy."""

from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription, SetLaunchConfiguration
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

CELL = {
    "cell": "cable_routing",
    "camera_1": "side",
    "camera_2": "slot_1",
    "camera_3": "slot_2",
    "camera_4": "",
}


def generate_launch_description():
    """Return the cell of this task."""
    part = [FindPackageShare("mentor_bringup"), "launch", "parts", "cell.launch.py"]
    cell = IncludeLaunchDescription(PythonLaunchDescriptionSource(PathJoinSubstitution(part)))
    return LaunchDescription([*(SetLaunchConfiguration(*item) for item in CELL.items()), cell])
