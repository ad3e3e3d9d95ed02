"""A cell and its agent, for the launch file of any task.

The task's launch file includes this with launch_arguments: `task_name` is the name of its task, and
`camera_1` to `camera_4` are its cameras' names (not set or empty: none).
"""

from launch import LaunchDescription

from mentor_bringup.description import part

# All arguments come before all nodes: the real launch starts a node as it comes to it, and leaves
# it running if something after it is refused.
PARTS = (
    "robot_arguments",
    "every_node",
    "policy_arguments",
    "observer_arguments",
    "rviz_arguments",
    "policy",
    "observers",  # early: what is published before the recorder starts is in no bag
    "rviz",
    "cell_nodes",
)


def generate_launch_description():
    """Return the node graph; every node is a process of its own."""
    return LaunchDescription([part(name) for name in PARTS])
