"""The learner alone; the cell runs with learner:=elsewhere, on the same or on another machine."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetLaunchConfiguration
from launch.substitutions import LaunchConfiguration

from mentor_bringup.checks import check_json_object
from mentor_bringup.description import SAVES, node, part, required, text

RESET_OPTIONS = DeclareLaunchArgument(
    "reset_options",
    default_value="",
    description="JSON object: options of every reset in the cell, which the run's folder records; "
    "empty: not known",
)


def check_reset_options(context):
    """Refuse options that are no JSON object."""
    check_json_object("reset_options", context.launch_configurations["reset_options"])


def generate_launch_description():
    """Return the learner, which receives the stream and publishes weights."""
    parameters = {name: LaunchConfiguration(name) for name in ("max_steps", "seed")}
    for name in ("agent", "preset", "overrides", "run_dir", "device", "reset_options"):
        parameters[name] = text(LaunchConfiguration(name))
    learner = node(
        "mentor_policy",
        "learner_node",
        [parameters],
        **SAVES,
        **required("learner_node"),
    )
    return LaunchDescription(
        [
            SetLaunchConfiguration("task_name", "learner"),
            RESET_OPTIONS,
            OpaqueFunction(function=check_reset_options),
            part("every_node"),
            part("agent"),
            learner,
        ]
    )
