"""The peg insertion cell: arm and cameras, stacker, reward, reset, and the policy."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration

from mentor_bringup.description import part

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
    return LaunchDescription(
        [PEG, OpaqueFunction(function=check_reset_options), part("cell", **CELL)]
    )
