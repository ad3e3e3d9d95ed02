"""What all launch files share: arguments that hold for every node, and what follows from them."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable
from launch.substitutions import (
    EnvironmentVariable,
    LaunchConfiguration,
    PathJoinSubstitution,
)
from launch_ros.actions import SetParameter
from launch_ros.substitutions import FindPackageShare

NO_PARAMETERS = PathJoinSubstitution([FindPackageShare("mentor_bringup"), "params", "none.yaml"])


def generate_launch_description():
    """Declare the arguments; set parameters and environment of the nodes that follow."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "namespace",
                default_value="",
                description="Namespace that holds all names of this cell",
            ),
            DeclareLaunchArgument(
                "use_sim_time",
                default_value="false",
                description="Whether nodes take the time from the cell's clock topic",
                choices=["true", "false"],
            ),
            DeclareLaunchArgument(
                "params_file",
                default_value=NO_PARAMETERS,
                description="YAML file of node parameters; what it sets wins over the arguments",
            ),
            DeclareLaunchArgument(
                "autostart",
                default_value="true",
                description="Whether nodes go to active by themselves; else a lifecycle manager "
                "takes them there",
                choices=["true", "false"],
            ),
            DeclareLaunchArgument(
                "respawn",
                default_value="false",
                description="Whether a node that dies is started again; the policy is not, its "
                "end is the launch's",
                choices=["true", "false"],
            ),
            DeclareLaunchArgument(
                "log_level",
                default_value="info",
                description="Logging level of all nodes",
                choices=["debug", "info", "warn", "error", "fatal"],
            ),
            SetParameter("use_sim_time", LaunchConfiguration("use_sim_time")),
            SetParameter("autostart", LaunchConfiguration("autostart")),
            # Pictures are drawn without a screen, by the thread that wants them.
            SetEnvironmentVariable(
                "MUJOCO_GL", EnvironmentVariable("MUJOCO_GL", default_value="egl")
            ),
            SetEnvironmentVariable(
                "LP_NUM_THREADS", EnvironmentVariable("LP_NUM_THREADS", default_value="0")
            ),
        ]
    )
