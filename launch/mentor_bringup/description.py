"""What the launch files share: a node as each of ours is started, a part, a switch, a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, Shutdown
from launch.conditions import UnlessCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from mentor_bringup.checks import SECTION

RESPAWN_DELAY = 4.0
"""Seconds: after the lease of the process that died (3 s), until which its name is taken."""
SAVES = {"sigterm_timeout": "15", "sigkill_timeout": "5"}
"""Options of a node that writes a checkpoint when it ends.

That is a second's work on an idle machine, and ten where each core has six others to serve."""
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""Environment of a node whose arrays are too small for threads."""


def node(
    package: str,
    executable: str,
    parameters: Sequence[Any] | None = None,
    enclave: str | None = None,
    **options: Any,
) -> Any:
    """Return a node with the logging level, the enclave and the parameters file of the launch.

    Args:
        package: package of the executable.
        executable: its name.
        parameters: dictionaries and files, the later wins, and the launch's file wins over all;
            None: none at all, as for nodes of others.
        enclave: name in SROS2; None: that of the executable without ``_node``.
        options: of launch_ros' Node.
    """
    if parameters is not None:
        options["parameters"] = [*parameters, LaunchConfiguration("params_file")]
    name = executable.removesuffix("_node")
    place = [LaunchConfiguration("enclaves"), "/", enclave or name]
    made = Node(
        package=package,
        executable=executable,
        output="screen",
        ros_arguments=["--log-level", LaunchConfiguration("log_level"), "--enclave", place],
        **options,
    )
    section = None if parameters is None else options.get("name") or name
    setattr(made, SECTION, section)
    return made


def required(executable: str) -> dict[str, Any]:
    """Return the options of a node whose death ends the launch, or which ``respawn`` starts again.

    Args:
        executable: its name, for the message.
    """
    respawn = LaunchConfiguration("respawn")
    end = Shutdown(reason=f"{executable} has ended", condition=UnlessCondition(respawn))
    return {"respawn": respawn, "respawn_delay": RESPAWN_DELAY, "on_exit": [end]}


def switch(name: str, default: Any, description: str) -> Any:
    """Return a launch argument that is true or false.

    Args:
        name: of the argument.
        default: what it is where nobody gives it: a text or a substitution.
        description: begins with "Whether", as --show-args prints it.
    """
    return DeclareLaunchArgument(
        name, default_value=default, description=description, choices=["true", "false"]
    )


def text(value: Any) -> Any:
    """Return a parameter of type string, even if its text is a number."""
    return ParameterValue(value, value_type=str)


def part(name: str, **arguments: Any) -> Any:
    """Return what launch files share under this name in the folder ``parts``.

    Args:
        name: of the file, without its ending.
        arguments: launch arguments that it is included with.
    """
    parts = PathJoinSubstitution([FindPackageShare("mentor_bringup"), "launch", "parts"])
    source = PythonLaunchDescriptionSource([parts, f"/{name}.launch.py"])
    return IncludeLaunchDescription(source, launch_arguments=arguments.items())
