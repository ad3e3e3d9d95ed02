"""The arguments of recorder and live view: declared and checked before any node is started."""

import socket

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetLaunchConfiguration
from launch.substitutions import EqualsSubstitution, IfElseSubstitution, LaunchConfiguration

from mentor_bringup.description import switch

IS_TWIN = EqualsSubstitution(LaunchConfiguration("robot", default="twin"), "twin")
ARGUMENTS = [
    # By a name, since --show-args of the real launch prints a choice as a Python object.
    SetLaunchConfiguration(
        "record_by_default",
        IfElseSubstitution(IS_TWIN, if_value="false", else_value="experience"),
    ),
    DeclareLaunchArgument("record", default_value=LaunchConfiguration("record_by_default"),
                          description="Whether the topics are written to a bag: true is "
                          "experience (what is learned from), full has camera images and poses "
                          "too, fault keeps the last minutes in memory and writes them when a "
                          "step is not valid; a real arm and its rehearsal record experience",
                          choices=["false", "true", "experience", "full", "fault"]),
    DeclareLaunchArgument("record_dir", default_value="",
                          description="Folder in which the bag is made; empty: bags/ in run_dir"),
    switch("monitor", "false", "Whether a page shows the cell in the browser; its address is "
           "printed, and Foxglove connects to it too"),
    DeclareLaunchArgument("monitor_host", default_value="127.0.0.1",
                          description="Address that the page is served on; any but this "
                          "machine's own loopback asks for a token, which is printed"),
    DeclareLaunchArgument("monitor_port", default_value="0",
                          description="Its port; 0: a free one, which is printed"),
]  # fmt: skip


def check_address(context):
    """Refuse an address that is none: the monitor would be started again and again."""
    host, port = (context.launch_configurations[name] for name in ("monitor_host", "monitor_port"))
    if not port.isdecimal() or int(port) > 65535:
        raise RuntimeError(f"monitor_port:={port} is not a port, 0 to 65535")
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError) as error:
        raise RuntimeError(f"monitor_host:={host} is no address of this machine: {error}") from None


def generate_launch_description():
    """Declare and check the arguments."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=check_address)])
