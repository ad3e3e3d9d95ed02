"""The learner alone; the cell runs with learner:=elsewhere, on the same or on another machine."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, Shutdown
from launch.conditions import UnlessCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

AGENTS = ["mentor", "mentor_wo_moe", "mentor_wo_tp", "mentor_wo_both", "mentor_pretrained"]
AGENTS += ["drm", "drqv2", "alix", "taco"]

ARGUMENTS = [
    DeclareLaunchArgument(
        "agent", default_value="mentor", description="Who learns", choices=AGENTS
    ),
    DeclareLaunchArgument(
        "preset",
        default_value="auto",
        description="Column of Table 2 or another preset; auto: the one that fits the task",
    ),
    DeclareLaunchArgument(
        "overrides",
        default_value="",
        description="Further settings of the agent, the same as the actor's",
    ),
    DeclareLaunchArgument(
        "run_dir",
        default_value="",
        description="Folder of the run, resumed if it exists and fits; empty: runs/learner",
    ),
    DeclareLaunchArgument(
        "max_steps",
        default_value="0",
        description="Environment steps of the whole run; 0: as the preset says",
    ),
    DeclareLaunchArgument("seed", default_value="0", description="Seed of the weights"),
]


def generate_launch_description():
    """Return the learner, which hears the stream and publishes weights."""
    share = FindPackageShare("mentor_bringup")
    every_node = PathJoinSubstitution([share, "launch", "parts", "every_node.launch.py"])
    parameters = {name: LaunchConfiguration(name) for name in ("max_steps", "seed")}
    for name in ("agent", "preset", "overrides", "run_dir"):
        parameters[name] = ParameterValue(LaunchConfiguration(name), value_type=str)
    learner = Node(
        package="mentor_policy",
        executable="learner_node",
        sigterm_timeout="3.6",  # its last checkpoint is 0.2 GB; all else is on the disk by then
        namespace=LaunchConfiguration("namespace"),
        output="screen",
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        parameters=[parameters, LaunchConfiguration("params_file")],
        respawn=LaunchConfiguration("respawn"),
        respawn_delay=4.0,  # after its lease (3 s): all have missed it and let go of its memory
        on_exit=Shutdown(
            reason="the learner has ended",
            condition=UnlessCondition(LaunchConfiguration("respawn")),
        ),
    )
    return LaunchDescription(
        [
            *ARGUMENTS,
            IncludeLaunchDescription(PythonLaunchDescriptionSource(every_node)),
            learner,
        ]
    )
