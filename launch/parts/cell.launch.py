"""A cell and its agent, for the launch file of any task.

The task's launch file includes this with launch_arguments: `task_name` is the name of its task, and
`camera_1` to `camera_4` are its cameras' names (not set or empty: none).
"""

from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

PARTS = (
    "robot_arguments",
    "every_node",
    "policy",
    "observers",  # early: what is published before the recorder starts is in no bag
    "rviz",
    "cell_nodes",
)


def part(name):
    """Return what all launch files share under this name."""
    share = FindPackageShare("mentor_bringup")
    path = PathJoinSubstitution([share, "launch", "parts", f"{name}.launch.py"])
    return IncludeLaunchDescription(PythonLaunchDescriptionSource(path))


def generate_launch_description():
    """Return the node graph; every node is a process of its own."""
    return LaunchDescription([part(name) for name in PARTS])
