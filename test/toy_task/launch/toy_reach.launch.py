"""The toy cell: the launch file of a task in a package of its own."""

from launch import LaunchDescription

from mentor_bringup.description import part

CELL = {"task_name": "toy_reach", "camera_1": "front", "camera_2": "overhead"}


def generate_launch_description():
    """Return the cell of this task."""
    return LaunchDescription([part("cell", **CELL)])
