"""The cable routing cell of which every episode differs.

Its slot classifiers are not trained yet: start it with states:=ground_truth.
"""

from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription, SetLaunchConfiguration
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

CELL = {
    "cell": "cable_routing_varied",
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
