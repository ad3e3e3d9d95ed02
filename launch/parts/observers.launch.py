"""The recorder and the live view, for the launch file of any task; their arguments:
observer_arguments.launch.py.

Neither's death ends a training: the launch logs it and starts the node again.
"""

from launch import LaunchDescription
from launch.conditions import IfCondition, UnlessCondition
from launch.substitutions import EqualsSubstitution, IfElseSubstitution, LaunchConfiguration

from mentor_bringup.description import ONE_THREAD, RESPAWN_DELAY, node, text


def equals(name, value):
    """Return whether a launch argument has a value."""
    return EqualsSubstitution(LaunchConfiguration(name), value)


TASK = text(LaunchConfiguration("task_name"))
FOLDER = IfElseSubstitution(
    equals("record_dir", ""),
    if_value=[LaunchConfiguration("run_dir"), "/bags"],
    else_value=LaunchConfiguration("record_dir"),
)
PROFILE = IfElseSubstitution(
    equals("record", "true"), if_value="experience", else_value=LaunchConfiguration("record")
)


def observer(executable, condition, **parameters):
    """Return a node that observes the cell, where a condition holds."""
    return node(
        "mentor_recorder",
        executable,
        [{"task": TASK, **parameters}],
        additional_env=ONE_THREAD,
        respawn=True,
        respawn_delay=RESPAWN_DELAY,
        condition=condition,
    )


def generate_launch_description():
    """Start the nodes that are wanted."""
    recorder = observer(
        "recorder_node",
        UnlessCondition(equals("record", "false")),
        profile=text(PROFILE),
        folder=text(FOLDER),
    )
    monitor = observer(
        "monitor_node",
        IfCondition(LaunchConfiguration("monitor")),
        host=text(LaunchConfiguration("monitor_host")),
        port=LaunchConfiguration("monitor_port"),
        bags=text([LaunchConfiguration("run_dir"), "/bags"]),
        use_sim_time=False,  # it needs no time of the cell's, whose every tick would wake it
    )
    return LaunchDescription([recorder, monitor])
