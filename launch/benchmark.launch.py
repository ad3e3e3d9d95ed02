"""A benchmark task over the topics of a cell, and the agent that acts in it."""

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    SetLaunchConfiguration,
    Shutdown,
)
from launch.conditions import UnlessCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import (
    EqualsSubstitution,
    IfElseSubstitution,
    LaunchConfiguration,
    PathJoinSubstitution,
)
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

ARGUMENTS = [
    DeclareLaunchArgument("suite", default_value="dmc", description="Benchmark suite",
                          choices=["dmc", "metaworld", "adroit", "gymnasium"]),
    DeclareLaunchArgument("task", default_value="hopper_hop",
                          description="Task of the suite: dmc hopper_hop, metaworld coffee_push "
                          "(_sparse for its sparse reward), adroit door, gymnasium the id of any "
                          "environment that renders itself"),
]  # fmt: skip

ENVIRONMENT = IfElseSubstitution(
    EqualsSubstitution(LaunchConfiguration("suite"), "gymnasium"),
    if_value=LaunchConfiguration("task"),
    else_value=["mentor/", LaunchConfiguration("suite"), "-", LaunchConfiguration("task"), "-v0"],
)


def part(name):
    """Return what all launch files share under this name."""
    share = FindPackageShare("mentor_bringup")
    path = PathJoinSubstitution([share, "launch", "parts", f"{name}.launch.py"])
    return IncludeLaunchDescription(PythonLaunchDescriptionSource(path))


def generate_launch_description():
    """Return the node graph: the bridge plays arm, stacker, reward and reset; the policy acts."""
    enclave = [LaunchConfiguration("enclaves"), "/benchmark_bridge"]
    bridge = Node(
        package="mentor_sim_bridge",
        executable="benchmark_bridge",
        output="screen",
        ros_arguments=["--log-level", LaunchConfiguration("log_level"), "--enclave", enclave],
        parameters=[{"environment": ENVIRONMENT}, LaunchConfiguration("params_file")],
        additional_env={"OMP_NUM_THREADS": "1"},
        respawn=LaunchConfiguration("respawn"),
        respawn_delay=4.0,  # after its lease (3 s): its peers have released its memory
        on_exit=[
            Shutdown(
                reason="the bridge has ended",
                condition=UnlessCondition(LaunchConfiguration("respawn")),
            )
        ],
    )
    name = [LaunchConfiguration("suite"), "-", LaunchConfiguration("task")]
    return LaunchDescription(
        [
            *ARGUMENTS,
            SetLaunchConfiguration("task_name", name),
            part("every_node"),
            part("policy"),
            part("observers"),  # early: what is published before the recorder starts is in no bag
            bridge,
        ]
    )
