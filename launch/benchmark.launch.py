"""A benchmark task over the topics of a cell, and the agent that acts in it."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetLaunchConfiguration
from launch.substitutions import EqualsSubstitution, IfElseSubstitution, LaunchConfiguration

from mentor_bringup.checks import ask
from mentor_bringup.description import ONE_THREAD, node, part, required

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


def check_task(context):
    """Refuse a task that the suite has not; gymnasium's may be in a module that is not imported."""
    suite, task = (context.launch_configurations[name] for name in ("suite", "task"))
    if suite != "gymnasium":
        ask("mentor_sim_bridge.cli.environments", f"mentor/{suite}-{task}-v0")


def generate_launch_description():
    """Return the node graph: the bridge plays arm, stacker, reward and reset; the policy acts."""
    bridge = node(
        "mentor_sim_bridge",
        "benchmark_bridge",
        [{"environment": ENVIRONMENT}],
        additional_env=ONE_THREAD,
        **required("benchmark_bridge"),
    )
    name = [LaunchConfiguration("suite"), "-", LaunchConfiguration("task")]
    return LaunchDescription(
        [
            *ARGUMENTS,
            OpaqueFunction(function=check_task),
            SetLaunchConfiguration("task_name", name),
            part("every_node"),
            part("policy_arguments"),
            part("observer_arguments"),
            part("policy"),
            part("observers"),  # early: what is published before the recorder starts is in no bag
            bridge,
        ]
    )
