"""A cell and its agent, for the launch file of any task.

The task's launch file sets `cell` to the name of its task and `camera_1` to `camera_4` to its
cameras' names (empty: none), and includes this.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, Shutdown
from launch.conditions import UnlessCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import (
    EqualsSubstitution,
    IfElseSubstitution,
    LaunchConfiguration,
    PathJoinSubstitution,
)
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

STATES = DeclareLaunchArgument(
    "states",
    default_value="sensors",
    description="What the reward is computed from: the cell's sensors (cameras, the arm's pose), "
    "or the ground truth of a twin",
    choices=["sensors", "ground_truth"],
)
RESET_OPTIONS = DeclareLaunchArgument(
    "reset_options",
    default_value="",
    description="JSON object: options of every reset of an episode whose goal names no others; "
    "empty: none",
)
TWIN = EqualsSubstitution(LaunchConfiguration("robot"), "twin")


def part(name):
    """Return what all launch files share under this name."""
    share = FindPackageShare("mentor_bringup")
    path = PathJoinSubstitution([share, "launch", "parts", f"{name}.launch.py"])
    return IncludeLaunchDescription(PythonLaunchDescriptionSource(path))


def node(package, executable, **parameters):
    """Return a node of the cell; its death ends the launch, or it is started again."""
    task = ParameterValue(LaunchConfiguration("cell"), value_type=str)
    return Node(
        package=package,
        executable=executable,
        namespace=LaunchConfiguration("namespace"),
        output="screen",
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        parameters=[{"task": task, **parameters}, LaunchConfiguration("params_file")],
        remappings=[("/clock", "clock")],  # a twin's clock is its cell's alone
        additional_env={"OMP_NUM_THREADS": "1"},
        respawn=LaunchConfiguration("respawn"),
        respawn_delay=4.0,  # after its lease (3 s): all have missed it and let go of its memory
        on_exit=[
            Shutdown(
                reason=f"{executable} has ended",
                condition=UnlessCondition(LaunchConfiguration("respawn")),
            )
        ],
    )


def generate_launch_description():
    """Return the node graph; every node is a process of its own."""
    reliability = IfElseSubstitution(TWIN, if_value="reliable", else_value="best_effort")
    return LaunchDescription(
        [
            part("robot_arguments"),
            STATES,
            RESET_OPTIONS,
            part("every_node"),
            part("policy"),
            part("recorder"),  # early: what is published before it listens is in no bag
            part("monitor"),
            part("rviz"),
            part("robot"),
            node(
                "mentor_reward",
                "reward_node",
                states=LaunchConfiguration("states"),
                image_reliability=reliability,
            ),
            node(
                "mentor_reset",
                "reset_node",
                options=ParameterValue(LaunchConfiguration("reset_options"), value_type=str),
            ),
        ]
    )
