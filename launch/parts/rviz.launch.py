"""RViz and what it shows, for the launch file of any task.

tf comes from robot_state_publisher, which a ROS 2 distribution has, as it has RViz. Without one,
scene:=true still publishes the markers and the dashboard, for a viewer on another machine.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, OrSubstitution, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

ARGUMENTS = [
    DeclareLaunchArgument("rviz", default_value="false",
                          description="Whether RViz shows the cell; needs the packages rviz2 and "
                          "robot_state_publisher of a ROS 2 distribution",
                          choices=["true", "false"]),
    DeclareLaunchArgument("scene", default_value="false",
                          description="Whether markers and a dashboard image are published, for "
                          "RViz elsewhere", choices=["true", "false"]),
]  # fmt: skip


TF = [("/tf", "tf"), ("/tf_static", "tf_static")]
"""Two cells have frames of the same names: each has its tf in its namespace, as in nav2."""


def node(package, executable, wanted, enclave, **others):
    """Return a node that runs if a condition holds; `enclave` is its name in SROS2."""
    return Node(
        package=package,
        executable=executable,
        output="screen",
        ros_arguments=[
            "--log-level", LaunchConfiguration("log_level"),
            "--enclave", [LaunchConfiguration("enclaves"), "/", enclave],
        ],
        condition=IfCondition(wanted),
        **others,
    )  # fmt: skip


def generate_launch_description():
    """Declare the arguments and start what is wanted."""
    rviz = LaunchConfiguration("rviz")
    task = ParameterValue(LaunchConfiguration("task_name"), value_type=str)
    name = PathJoinSubstitution(
        [FindPackageShare("mentor_bringup"), "rviz", LaunchConfiguration("task_name")]
    )
    config = [name, ".rviz"]
    return LaunchDescription(
        [
            *ARGUMENTS,
            node(
                "mentor_recorder",
                "scene_node",
                OrSubstitution(rviz, LaunchConfiguration("scene")),
                "scene",
                parameters=[{"task": task}, LaunchConfiguration("params_file")],
                additional_env={"OMP_NUM_THREADS": "1"},
                respawn=True,
                respawn_delay=4.0,
            ),
            # It takes the description from the topic, as a twin or the robot's driver publishes it.
            node(
                "robot_state_publisher", "robot_state_publisher", rviz, "robot_state_publisher",
                remappings=TF,
            ),
            node("rviz2", "rviz2", rviz, "rviz", arguments=["-d", config], remappings=TF),
        ]
    )  # fmt: skip
