"""The cable routing cell: body and cameras, stacker, reward, reset, and the policy."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, Shutdown
from launch.conditions import UnlessCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

AGENTS = ["mentor", "mentor_wo_moe", "mentor_wo_tp", "mentor_wo_both", "mentor_pretrained"]
AGENTS += ["drm", "drqv2", "alix", "taco", "random"]

ARGUMENTS = [
    DeclareLaunchArgument(
        "robot", default_value="twin", description="Which body the cell has", choices=["twin"]
    ),
    DeclareLaunchArgument("agent", default_value="mentor", description="Who acts", choices=AGENTS),
    DeclareLaunchArgument(
        "mode",
        default_value="train",
        description="Learn, or roll a checkpoint out and report its success",
        choices=["train", "eval"],
    ),
    DeclareLaunchArgument(
        "checkpoint",
        default_value="",
        description="For mode:=eval: folder of a checkpoint or of a run",
    ),
    DeclareLaunchArgument(
        "episodes", default_value="20", description="For mode:=eval: episodes to roll out"
    ),
    DeclareLaunchArgument(
        "preset", default_value="robot", description="Column of Table 2, or another preset"
    ),
    DeclareLaunchArgument(
        "overrides",
        default_value="",
        description="Further settings of the agent, e.g. 'agent.experts=8 agent.top_k=2'",
    ),
    DeclareLaunchArgument(
        "run_dir",
        default_value="",
        description="Folder of the run, resumed if it exists and fits; empty: a new one",
    ),
    DeclareLaunchArgument(
        "max_steps",
        default_value="0",
        description="Environment steps after which the launch ends; 0: as the preset says",
    ),
    DeclareLaunchArgument(
        "seed", default_value="0", description="Seed of the agent and of the environment"
    ),
    DeclareLaunchArgument(
        "synchronous",
        default_value="false",
        description="Whether the cell waits while the agent learns, so that a run can be repeated "
        "to the bit",
        choices=["true", "false"],
    ),
    DeclareLaunchArgument(
        "states",
        default_value="classified",
        description="What the reward is computed from: slot states seen in images, or the "
        "twin's true ones",
        choices=["classified", "truth"],
    ),
    DeclareLaunchArgument(
        "realtime",
        default_value="false",
        description="Whether the twin's time goes as the wall's does, instead of as fast as it can",
        choices=["true", "false"],
    ),
    DeclareLaunchArgument(
        "record",
        default_value="false",
        description="Whether the topics are written to a bag (there is no recorder yet)",
        choices=["false"],
    ),
    DeclareLaunchArgument(
        "monitor",
        default_value="false",
        description="Whether a monitor is started (there is none yet)",
        choices=["false"],
    ),
    DeclareLaunchArgument(
        "use_sim_time",
        default_value="true",
        description="Whether nodes take the time from the cell's clock topic",
        choices=["true", "false"],
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
        # A twin's clock is its cell's alone.
        remappings=[("/clock", "clock")],
        **rest,
    )


def generate_launch_description():
    """Return the node graph; every node is a process of its own."""
    every_node = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(
            PathJoinSubstitution(
                [FindPackageShare("mentor_bringup"), "launch", "parts", "every_node.launch.py"]
            )
        )
    )
    one_thread = {"OMP_NUM_THREADS": "1"}
    twin = node(
        "mentor_sim_bridge",
        "cable_twin",
        unless="respawn",
        parameters=parameters(numbers=["realtime"]),
        additional_env=one_thread,
    )
    stacker = node(
        "mentor_camera",
        "stacker_node",
        unless="respawn",
        parameters=parameters(image_reliability="reliable"),
        additional_env=one_thread,
    )
    reward = node(
        "mentor_reward",
        "reward_node",
        unless="respawn",
        parameters=parameters("states"),
        additional_env=one_thread,
    )
    reset = node(
        "mentor_reset",
        "reset_node",
        unless="respawn",
        parameters=parameters(),
        additional_env=one_thread,
    )
    policy = node(
        "mentor_policy",
        "policy_node",
        parameters=parameters(
            "agent", "preset", "overrides", "run_dir", "mode", "checkpoint",
            numbers=["max_steps", "seed", "episodes", "synchronous"],
        ),
    )  # fmt: skip
    return LaunchDescription([*ARGUMENTS, every_node, twin, stacker, reward, reset, policy])
