"""RViz and what it shows, for the launch file of any task; its arguments: rviz_arguments.launch.py.

tf comes from robot_state_publisher, which a ROS 2 distribution has, as it has RViz. Without one,
scene:=true still publishes the markers and the dashboard, for a viewer on another machine.
"""

from launch import LaunchDescription
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, OrSubstitution, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

from mentor_bringup.description import ONE_THREAD, RESPAWN_DELAY, node, text

TF = [("/tf", "tf"), ("/tf_static", "tf_static")]
"""Two cells have frames of the same names: each has its tf in its namespace, as in nav2."""


def generate_launch_description():
    """Start what is wanted."""
    rviz = LaunchConfiguration("rviz")
    name = PathJoinSubstitution(
        [FindPackageShare("mentor_bringup"), "rviz", LaunchConfiguration("task_name")]
    )
    config = [name, ".rviz"]
    return LaunchDescription(
        [
            node(
                "mentor_recorder", "scene_node", [{"task": text(LaunchConfiguration("task_name"))}],
                condition=IfCondition(OrSubstitution(rviz, LaunchConfiguration("scene"))),
                additional_env=ONE_THREAD, respawn=True, respawn_delay=RESPAWN_DELAY,
            ),
            # It takes the description from the topic, as a twin or the robot's driver publishes it.
            node(
                "robot_state_publisher", "robot_state_publisher",
                condition=IfCondition(rviz), remappings=TF,
            ),
            node(
                "rviz2", "rviz2", enclave="rviz",
                condition=IfCondition(rviz), arguments=["-d", config], remappings=TF,
            ),
        ]
    )  # fmt: skip
