"""The nodes of a cell but the agent's: arm or twin, cameras, stacker, reward and reset.

Reward and reset do not know which robot the cell has. `task_name` is the task's name, `camera_1` to
`camera_4` are its cameras' names (not set or empty: none).
"""

from launch import LaunchDescription
from launch.conditions import IfCondition
from launch.substitutions import (
    AndSubstitution,
    EqualsSubstitution,
    IfElseSubstitution,
    LaunchConfiguration,
    NotEqualsSubstitution,
    OrSubstitution,
    PathJoinSubstitution,
)
from launch_ros.substitutions import FindPackageShare

from mentor_bringup.description import ONE_THREAD, node, required, text

CAMERAS = ("camera_1", "camera_2", "camera_3", "camera_4")
TWIN = EqualsSubstitution(LaunchConfiguration("robot"), "twin")
REAL = NotEqualsSubstitution(LaunchConfiguration("robot"), "twin")
REHEARSAL = AndSubstitution(REAL, EqualsSubstitution(LaunchConfiguration("rehearsal"), "true"))
OWN_CAMERAS = AndSubstitution(REAL, EqualsSubstitution(LaunchConfiguration("cameras"), "realsense"))
REHEARSAL_CELL = PathJoinSubstitution(
    [FindPackageShare("mentor_bringup"), "cells", "rehearsal.yaml"]
)
CELL_FILE = IfElseSubstitution(
    AndSubstitution(REHEARSAL, EqualsSubstitution(LaunchConfiguration("cell_file"), "")),
    if_value=REHEARSAL_CELL,
    else_value=LaunchConfiguration("cell_file"),
)


TASK = text(LaunchConfiguration("task_name"))


def cell_node(package, executable, condition=None, name=None, enclave=None, **parameters):
    """Return a node of the cell; its death ends the launch, or it is started again."""
    return node(
        package,
        executable,
        [{"task": TASK, **parameters}],
        enclave,
        name=name,
        additional_env=ONE_THREAD,
        condition=condition,
        **required(executable),
    )


def camera(number):
    """Return the node of one of the cameras, if the cell has it and its images are our own."""
    name = LaunchConfiguration(number, default="")
    wanted = AndSubstitution(OWN_CAMERAS, NotEqualsSubstitution(name, ""))
    return cell_node(
        "mentor_camera",
        "realsense_camera",
        IfCondition(wanted),
        name=["camera_", name],
        enclave="camera",
        camera=text(name),
        cell_file=text(CELL_FILE),
        source=text(IfElseSubstitution(REHEARSAL, if_value="rehearsal", else_value="device")),
    )


def generate_launch_description():
    """Start the nodes."""
    twin = cell_node(
        "mentor_sim_bridge",
        "twin_node",
        IfCondition(TWIN),
        realtime=LaunchConfiguration("realtime"),
    )
    rehearsal = cell_node(
        "mentor_sim_bridge",
        "rehearsal_node",
        IfCondition(REHEARSAL),
        protocol=text(LaunchConfiguration("robot")),
    )
    arm = cell_node(
        "mentor_arm",
        "arm_node",
        IfCondition(REAL),
        backend=text(LaunchConfiguration("robot")),
        cell_file=text(CELL_FILE),
        armed=LaunchConfiguration("armed"),
    )
    # A twin in lockstep loses no frame; a real camera's images are sensor data.
    reliability = IfElseSubstitution(TWIN, if_value="reliable", else_value="best_effort")
    transport = text(
        IfElseSubstitution(
            OrSubstitution(TWIN, OWN_CAMERAS),
            if_value="raw",
            else_value=LaunchConfiguration("image_transport"),
        )
    )
    stacker = cell_node(
        "mentor_camera",
        "stacker_node",
        cell_file=text(CELL_FILE),
        image_reliability=reliability,
        image_transport=transport,
    )
    reward = cell_node(
        "mentor_reward",
        "reward_node",
        states=LaunchConfiguration("states"),
        cell_file=text(CELL_FILE),
        image_reliability=reliability,
        image_transport=transport,
    )
    reset = cell_node(
        "mentor_reset", "reset_node", options=text(LaunchConfiguration("reset_options"))
    )
    cameras = [camera(number) for number in CAMERAS]
    return LaunchDescription([twin, rehearsal, arm, *cameras, stacker, reward, reset])
