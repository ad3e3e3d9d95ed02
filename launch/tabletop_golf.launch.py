"""The tabletop golf cell: arm and cameras, stacker, reward, reset, and the policy."""

from launch import LaunchDescription

from mentor_bringup.description import part

CELL = {"task_name": "tabletop_golf", "camera_1": "wrist", "camera_2": "side",
        "camera_3": "court_long", "camera_4": "court_short"}  # fmt: skip


def generate_launch_description():
    """Return the cell of this task."""
    return LaunchDescription([part("cell", **CELL)])
