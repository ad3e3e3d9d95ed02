"""What all launch files share: arguments that hold for every node, and what follows from them."""

import difflib
import os

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
    Shutdown,
)
from launch.event_handlers import OnProcessExit
from launch.substitutions import (
    EnvironmentVariable,
    LaunchConfiguration,
    PathJoinSubstitution,
)
from launch_ros.actions import PushROSNamespace, SetParameter, SetRemap
from launch_ros.substitutions import FindPackageShare

from mentor_bringup.checks import ask, sections_of
from mentor_bringup.description import switch
from mentor_bringup.shared_memory import remove_leftovers

NO_PARAMETERS = PathJoinSubstitution([FindPackageShare("mentor_bringup"), "params", "none.yaml"])
OF_ROS2_LAUNCH = {
    "emulate_tty", "launch-prefix", "launch-prefix-filter", "sigkill_timeout", "sigterm_timeout",
}  # fmt: skip
"""Arguments that `ros2 launch` takes itself, though no launch file declares them."""

ARGUMENTS = [
    DeclareLaunchArgument("namespace", default_value="",
                          description="Namespace that holds all names of this cell"),
    switch("use_sim_time", "false", "Whether nodes take the time from the cell's clock topic"),
    DeclareLaunchArgument("params_file", default_value=NO_PARAMETERS,
                          description="YAML file of node parameters; what it sets wins over the "
                          "arguments"),
    switch("autostart", "true", "Whether nodes go to active by themselves; else a lifecycle "
           "manager takes them there"),
    switch("respawn", "false", "Whether a node that dies is started again; the policy is not, its "
           "end is the launch's"),
    DeclareLaunchArgument("log_level", default_value="info",
                          description="Logging level of all nodes",
                          choices=["debug", "info", "warn", "error", "fatal"]),
]  # fmt: skip


def check_arguments(context):
    """Refuse arguments that nobody declares, a params_file that cannot be read, and one with a
    section for no node.

    `ros2 launch` ignores each, and would train with something else than was asked for.
    """
    description = getattr(context.get_locals_as_dict().get("event"), "launch_description", None)
    if description is not None:  # none if an event of another kind has led here
        known = {argument.name for argument in description.get_launch_arguments()}
        for name in (text.partition(":=")[0] for text in context.argv):
            if name not in known | OF_ROS2_LAUNCH:
                near = difflib.get_close_matches(name, sorted(known), 1)
                hint = f" did you mean '{near[0]}'?" if near else ""
                raise RuntimeError(
                    f"there is no launch argument '{name}';{hint} known: {', '.join(sorted(known))}"
                )
    path = context.launch_configurations["params_file"]
    if os.path.exists(path) and not os.path.isfile(path):  # a FIFO would be waited for
        raise RuntimeError(f"params_file:={path} is not a regular file")
    try:
        with open(path):
            pass
    except OSError as error:
        raise RuntimeError(f"params_file:={path}: {error.strerror}") from None
    if any(text.startswith("params_file:=") for text in context.argv):
        nodes = description and sections_of(description, context)
        ask("mentor_bringup.runner.parameter_sections", path, *(nodes or ()))


def clear_shared_memory(_):
    """Remove what killed processes of this user have left, before the first node starts."""
    files, size = remove_leftovers()
    text = f"removed {files} files ({size / 1e6:.1f} MB) that killed processes have left in shared "
    return [LogInfo(msg=f"{text}memory")] if files else []


def name_enclaves(context):
    """Set where the nodes' SROS2 enclaves are; without ROS_SECURITY_ENABLE they are only names."""
    namespace = context.launch_configurations["namespace"].strip("/")
    context.launch_configurations["enclaves"] = f"/mentor/{namespace}".rstrip("/")


def fail_with_a_required_process(event, context):
    """Fail the launch if a process fails whose end shuts the launch down.

    A Shutdown alone would end `ros2 launch` with status 0.
    """
    if event.returncode == 0 or context.is_shutdown:
        return
    for action in event.action.get_sub_entities():
        if isinstance(action, Shutdown) and (
            action.condition is None or action.condition.evaluate(context)
        ):
            raise RuntimeError(f"{event.process_name} has ended with status {event.returncode}")


def generate_launch_description():
    """Declare and check the arguments; set what holds for the nodes that follow."""
    return LaunchDescription(
        [
            *ARGUMENTS,
            OpaqueFunction(function=check_arguments),
            OpaqueFunction(function=clear_shared_memory),
            OpaqueFunction(function=name_enclaves),
            RegisterEventHandler(OnProcessExit(on_exit=fail_with_a_required_process)),
            PushROSNamespace(LaunchConfiguration("namespace")),
            SetRemap("/clock", "clock"),  # a twin's clock is its cell's alone
            SetParameter("use_sim_time", LaunchConfiguration("use_sim_time")),
            SetParameter("autostart", LaunchConfiguration("autostart")),
            SetEnvironmentVariable("MENTOR_ENDS_WITH_LAUNCH", str(os.getpid())),
            # Images are rendered without a screen, by the calling thread.
            SetEnvironmentVariable(
                "MUJOCO_GL", EnvironmentVariable("MUJOCO_GL", default_value="egl")
            ),
            SetEnvironmentVariable(
                "LP_NUM_THREADS", EnvironmentVariable("LP_NUM_THREADS", default_value="0")
            ),
            # The cache's thread, of the lowest priority, holds up a process that ends.
            SetEnvironmentVariable(
                "MESA_SHADER_CACHE_DISABLE",
                EnvironmentVariable("MESA_SHADER_CACHE_DISABLE", default_value="true"),
            ),
        ]
    )
