"""The cable routing cell: arm and cameras, stacker, reward, reset, and the policy."""

from launch import LaunchDescription

from mentor_bringup.description import part

CELL = {
    "task_name": "cable_routing",
    "camera_1": "side",
    "camera_2": "slot_1",
    "camera_3": "slot_2",
}


def generate_launch_description():
    """Return the cell of this task."""
    return LaunchDescription([part("cell", **CELL)])
