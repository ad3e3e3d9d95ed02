"""A benchmark task over the topics of a cell, and the agent that acts in it."""

from launch.actions import DeclareLaunchArgument, Shutdown
from launch.conditions import UnlessCondition
from launch.substitutions import (
    EqualsSubstitution,
    IfElseSubstitution,
    LaunchConfiguration,
    PathJoinSubstitution,
)
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

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
    DeclareLaunchArgument(
        "namespace", default_value="", description="Namespace that holds all names of this cell"
    ),
    DeclareLaunchArgument(
        "use_sim_time",
        default_value="false",
        description="Whether nodes take the time from /clock",
        choices=["true", "false"],
    ),
    DeclareLaunchArgument(
        "params_file",
        default_value=PathJoinSubstitution(
            [FindPackageShare("mentor_bringup"), "params", "none.yaml"]
        ),
        description="YAML file of node parameters; what it sets wins over the arguments",
    ),
    DeclareLaunchArgument(
        "autostart",
        default_value="true",
        description="Whether nodes go to active by themselves; else a lifecycle manager does it",
        choices=["true", "false"],
    ),
    DeclareLaunchArgument(
        "respawn",
        default_value="false",
        description="Whether a node that dies is started again (but for the policy, whose end is "
        "the launch's)",
        choices=["true", "false"],
    ),
    DeclareLaunchArgument(
        "log_level",
        default_value="info",
        description="Logging level of all nodes",
        choices=["debug", "info", "warn", "error", "fatal"],
    ),
]

ENVIRONMENT = IfElseSubstitution(
    EqualsSubstitution(LaunchConfiguration("suite"), "gymnasium"),
    if_value=LaunchConfiguration("task"),
    else_value=["mentor/", LaunchConfiguration("suite"), "-", LaunchConfiguration("task"), "-v0"],
)

EVERY_NODE = {
    "namespace": LaunchConfiguration("namespace"),
    "output": "screen",
    "ros_arguments": ["--log-level", LaunchConfiguration("log_level")],
    # Two nodes share the machine: one thread each, and pictures drawn without a screen.
    "additional_env": {"OMP_NUM_THREADS": "1", "MUJOCO_GL": "egl", "LP_NUM_THREADS": "0"},
}


def parameters(*names, **values):
    """Return a node's parameters: those of every node, the launch arguments `names`, `values`."""
    for name in ("use_sim_time", "autostart", *names):
        values[name] = LaunchConfiguration(name)
    return [values, LaunchConfiguration("params_file")]


def generate_launch_description():
    """Return the node graph: the bridge plays arm, stacker and reward; the policy acts."""
    bridge = Node(
        package="mentor_sim_bridge",
        executable="benchmark_bridge",
        parameters=parameters(environment=ENVIRONMENT),
        respawn=LaunchConfiguration("respawn"),
        respawn_delay=1.0,
        on_exit=Shutdown(
            reason="the bridge has ended", condition=UnlessCondition(LaunchConfiguration("respawn"))
        ),
        **EVERY_NODE,
    )
    policy = Node(
        package="mentor_policy",
        executable="policy_node",
        parameters=parameters("agent", "max_steps", "seed"),
        on_exit=Shutdown(reason="the policy has ended"),
        **EVERY_NODE,
    )
    return LaunchDescription([*ARGUMENTS, bridge, policy])
