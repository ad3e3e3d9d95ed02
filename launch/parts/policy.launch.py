"""The policy node and its arguments, for the launch file of any task.

With learner:=elsewhere the actor node acts instead, and follows the weights that it hears.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable, Shutdown
from launch.conditions import IfCondition, UnlessCondition
from launch.substitutions import EqualsSubstitution, LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

AGENTS = ["mentor", "mentor_wo_moe", "mentor_wo_tp", "mentor_wo_both", "mentor_pretrained"]
AGENTS += ["drm", "drqv2", "alix", "taco", "random"]

ARGUMENTS = [
    DeclareLaunchArgument("agent", default_value="mentor", description="Who acts", choices=AGENTS),
    DeclareLaunchArgument(
        "learner",
        default_value="here",
        description="Where the agent learns: in the policy node, or by learner.launch.py on "
        "another machine",
        choices=["here", "elsewhere"],
    ),
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
        "preset",
        default_value="auto",
        description="Column of Table 2 or another preset; auto: the one that fits the task",
    ),
    DeclareLaunchArgument(
        "overrides",
        default_value="",
        description="Further settings of the agent, e.g. 'agent.experts=8 agent.top_k=2'",
    ),
    DeclareLaunchArgument(
        "max_steps",
        default_value="0",
        description="Environment steps after which the launch ends; 0: as the preset says, for "
        "agent:=random until Ctrl-C",
    ),
    DeclareLaunchArgument(
        "seed", default_value="0", description="Seed of the agent and of the environment"
    ),
    DeclareLaunchArgument(
        "run_dir",
        default_value=[
            "runs/",
            LaunchConfiguration("cell"),
            "/",
            LaunchConfiguration("agent"),
            "-",
            LaunchConfiguration("seed"),
        ],
        description="Folder of the run, resumed if it exists and fits",
    ),
    DeclareLaunchArgument(
        "synchronous",
        default_value="false",
        description="Whether the cell waits while the agent learns, so that a run can be repeated "
        "to the bit",
        choices=["true", "false"],
    ),
]
SHARED = ("agent", "preset", "overrides", "run_dir", "max_steps", "seed")
POLICY_ONLY = ("mode", "checkpoint", "episodes", "synchronous")
TEXTS = ("agent", "preset", "overrides", "run_dir", "mode", "checkpoint")


def node(executable, names, condition):
    """Return a node with the launch arguments `names` as parameters; its end is the launch's."""
    parameters = {name: LaunchConfiguration(name) for name in names}
    for name in set(names) & set(TEXTS):
        parameters[name] = ParameterValue(LaunchConfiguration(name), value_type=str)
    return Node(
        package="mentor_policy",
        executable=executable,
        namespace=LaunchConfiguration("namespace"),
        output="screen",
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        parameters=[parameters, LaunchConfiguration("params_file")],
        remappings=[("/clock", "clock")],
        on_exit=Shutdown(reason=f"{executable} has ended"),
        sigterm_timeout="3.6",  # its last checkpoint is 0.2 GB; all else is on the disk by then
        condition=condition,
    )


def generate_launch_description():
    """Declare the arguments and start the node that acts."""
    elsewhere = EqualsSubstitution(LaunchConfiguration("learner"), "elsewhere")
    return LaunchDescription(
        [
            *ARGUMENTS,
            SetEnvironmentVariable("ROS_LOG_DIR", [LaunchConfiguration("run_dir"), "/logs"]),
            node("policy_node", SHARED + POLICY_ONLY, UnlessCondition(elsewhere)),
            node("actor_node", SHARED, IfCondition(elsewhere)),
        ]
    )
