"""The recorder and its arguments, for the launch file of any task.

Its death or a full disk ends no training: the launch logs it and starts it again.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.conditions import UnlessCondition
from launch.substitutions import EqualsSubstitution, IfElseSubstitution, LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue


def equals(name, value):
    """Return whether a launch argument has a value."""
    return EqualsSubstitution(LaunchConfiguration(name), value)


IS_TWIN = EqualsSubstitution(LaunchConfiguration("robot", default="twin"), "twin")
ARGUMENTS = [
    DeclareLaunchArgument(
        "record",
        default_value=IfElseSubstitution(IS_TWIN, if_value="false", else_value="experience"),
        description="Whether the topics are written to a bag: true is experience (what is learned "
        "from), full has camera images and poses too, fault keeps the last minutes in memory and "
        "writes them when an episode is not valid; a real arm and its rehearsal record experience",
        choices=["false", "true", "experience", "full", "fault"],
    ),
    DeclareLaunchArgument(
        "record_dir",
        default_value="",
        description="Folder in which the bag is made; empty: bags/ in run_dir",
    ),
]


FOLDER = IfElseSubstitution(
    equals("record_dir", ""),
    if_value=[LaunchConfiguration("run_dir"), "/bags"],
    else_value=LaunchConfiguration("record_dir"),
)
PROFILE = IfElseSubstitution(
    equals("record", "true"), if_value="experience", else_value=LaunchConfiguration("record")
)


def generate_launch_description():
    """Declare the arguments and start the recorder, if it is wanted."""
    parameters = {
        "profile": ParameterValue(PROFILE, value_type=str),
        "folder": ParameterValue(FOLDER, value_type=str),
        "task": ParameterValue(LaunchConfiguration("cell"), value_type=str),
    }
    recorder = Node(
        package="mentor_recorder",
        executable="recorder_node",
        namespace=LaunchConfiguration("namespace"),
        output="screen",
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        parameters=[parameters, LaunchConfiguration("params_file")],
        remappings=[("/clock", "clock")],
        additional_env={"OMP_NUM_THREADS": "1"},
        respawn=True,
        respawn_delay=4.0,  # after its lease (3 s): all have missed it and let go of its memory
        condition=UnlessCondition(equals("record", "false")),
    )
    return LaunchDescription([*ARGUMENTS, recorder])
