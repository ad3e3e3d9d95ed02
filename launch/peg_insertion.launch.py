"""The peg insertion cell: arm and cameras, stacker, reward, reset, and the policy."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

PEG = DeclareLaunchArgument(
    "peg",
    default_value="all",
    description="Which peg is inserted; all: each in a third of the episodes",
    choices=["star", "triangle", "arrow", "all"],
)
CELL = {"task_name": "peg_insertion", "camera_1": "wrist", "camera_2": "side",
        "reset_options": ['{"peg": "', LaunchConfiguration("peg"), '"}']}  # fmt: skip


def generate_launch_description():
    """Return the cell of this task."""
    parts = PathJoinSubstitution([FindPackageShare("mentor_bringup"), "launch", "parts"])
    source = PythonLaunchDescriptionSource([parts, "/cell.launch.py"])
    cell = IncludeLaunchDescription(source, launch_arguments=CELL.items())
    return LaunchDescription([PEG, cell])
