"""The peg insertion cell: arm and cameras, stacker, reward, reset, and the policy."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
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


def check_reset_options(context):
    """Refuse options that `peg` would take the place of."""
    if context.launch_configurations.get("reset_options"):
        raise RuntimeError("reset_options:= is made of peg:= in this cell: give peg:= alone")


def generate_launch_description():
    """Return the cell of this task."""
    parts = PathJoinSubstitution([FindPackageShare("mentor_bringup"), "launch", "parts"])
    source = PythonLaunchDescriptionSource([parts, "/cell.launch.py"])
    cell = IncludeLaunchDescription(source, launch_arguments=CELL.items())
    return LaunchDescription([PEG, OpaqueFunction(function=check_reset_options), cell])
