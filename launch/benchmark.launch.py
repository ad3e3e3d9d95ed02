"""A benchmark task over the topics of a cell, and the agent that acts in it."""

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

ANY_GYMNASIUM = EqualsSubstitution(LaunchConfiguration("suite"), "gymnasium")

ARGUMENTS = [
    DeclareLaunchArgument(
        "suite",
        default_value="dmc",
        description="Benchmark suite",
        choices=["dmc", "metaworld", "adroit", "gymnasium"],
    ),
    DeclareLaunchArgument(
        "task",
        default_value="hopper_hop",
        description="Task of the suite: dmc hopper_hop, metaworld coffee_push (_sparse for its "
        "sparse reward), adroit door, gymnasium the id of any environment that draws itself",
    ),
    DeclareLaunchArgument("agent", default_value="random", description="Who acts"),
    DeclareLaunchArgument(
        "max_steps",
        default_value="0",
        description="Environment steps after which the launch ends; 0: it goes on until Ctrl-C",
    ),
    DeclareLaunchArgument(
        "seed", default_value="0", description="Seed of the agent and of the environment"
    ),
]


def parameters(*texts, numbers=(), **values):
    """Return a node's parameters: launch arguments by name, `values`, and those of params_file."""
    for name in texts:
        values[name] = ParameterValue(LaunchConfiguration(name), value_type=str)
    for name in numbers:
        values[name] = LaunchConfiguration(name)
    return [values, LaunchConfiguration("params_file")]


def node(package, executable, unless=None, **rest):
    """Return a node whose end ends the launch, but if the argument `unless` is true."""
    ends_if = UnlessCondition(LaunchConfiguration(unless)) if unless else None
    return Node(
        package=package,
        executable=executable,
        namespace=LaunchConfiguration("namespace"),
        output="screen",
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        respawn=LaunchConfiguration(unless) if unless else False,
        respawn_delay=1.0,
        on_exit=Shutdown(reason=f"{executable} has ended", condition=ends_if),
        **rest,
    )


def generate_launch_description():
    """Return the node graph: the bridge plays arm, stacker and reward; the policy acts."""
    every_node = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(
            PathJoinSubstitution(
                [FindPackageShare("mentor_bringup"), "launch", "parts", "every_node.launch.py"]
            )
        )
    )
    environment = IfElseSubstitution(
        ANY_GYMNASIUM,
        if_value=LaunchConfiguration("task"),
        else_value=[
            "mentor/", LaunchConfiguration("suite"), "-", LaunchConfiguration("task"), "-v0",
        ],
    )  # fmt: skip
    bridge = node(
        "mentor_sim_bridge",
        "benchmark_bridge",
        unless="respawn",
        parameters=parameters(environment=environment),
        additional_env={"OMP_NUM_THREADS": "1"},
    )
    policy = node(
        "mentor_policy",
        "policy_node",
        parameters=parameters("agent", numbers=["max_steps", "seed"]),
    )
    return LaunchDescription([*ARGUMENTS, every_node, bridge, policy])
