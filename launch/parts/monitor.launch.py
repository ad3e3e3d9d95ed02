"""The live view and its arguments, for the launch file of any task."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

ARGUMENTS = [
    DeclareLaunchArgument(
        "monitor",
        default_value="false",
        description="Whether a page shows the cell in the browser; its address is printed, and "
        "Foxglove connects to it too",
        choices=["true", "false"],
    ),
    DeclareLaunchArgument(
        "monitor_host",
        default_value="127.0.0.1",
        description="Address that the page is served on; any but this machine's own loopback asks "
        "for a token, which is printed",
    ),
    DeclareLaunchArgument(
        "monitor_port", default_value="0", description="Its port; 0: a free one, which is printed"
    ),
]


def generate_launch_description():
    """Declare the arguments and start the monitor, if it is wanted."""
    parameters = {
        "host": ParameterValue(LaunchConfiguration("monitor_host"), value_type=str),
        "port": LaunchConfiguration("monitor_port"),
        "bags": ParameterValue([LaunchConfiguration("run_dir"), "/bags"], value_type=str),
        "task": ParameterValue(LaunchConfiguration("cell"), value_type=str),
        "use_sim_time": False,  # it needs no time of the cell's, whose every tick would wake it
    }
    monitor = Node(
        package="mentor_recorder",
        executable="monitor_node",
        namespace=LaunchConfiguration("namespace"),
        output="screen",
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        parameters=[parameters, LaunchConfiguration("params_file")],
        remappings=[("/clock", "clock")],
        additional_env={"OMP_NUM_THREADS": "1"},
        respawn=True,
        respawn_delay=4.0,  # after its lease (3 s): all have missed it and let go of its memory
        condition=IfCondition(LaunchConfiguration("monitor")),
    )
    return LaunchDescription([*ARGUMENTS, monitor])
