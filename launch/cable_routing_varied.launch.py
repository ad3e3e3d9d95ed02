"""The cable routing cell of which every episode differs.

Its slot classifiers are not trained yet: start it with states:=ground_truth.
"""

from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

CELL = {"cell": "cable_routing_varied", "camera_1": "side", "camera_2": "slot_1",
        "camera_3": "slot_2"}  # fmt: skip


def generate_launch_description():
    """Return the cell of this task."""
    parts = PathJoinSubstitution([FindPackageShare("mentor_bringup"), "launch", "parts"])
    source = PythonLaunchDescriptionSource([parts, "/cell.launch.py"])
    return LaunchDescription([IncludeLaunchDescription(source, launch_arguments=CELL.items())])
