"""The nodes of a cell but the agent's: arm or twin, cameras, stacker, reward and reset.

Reward and reset do not know which robot the cell has. `task_name` is the task's name, `camera_1` to
`camera_4` are its cameras' names (not set or empty: none).
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, LogInfo, Shutdown
from launch.conditions import IfCondition, UnlessCondition
from launch.substitutions import (
    AndSubstitution,
    EqualsSubstitution,
    IfElseSubstitution,
    LaunchConfiguration,
    NotEqualsSubstitution,
    OrSubstitution,
    PathJoinSubstitution,
)
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

STATES = DeclareLaunchArgument(
    "states",
    default_value="sensors",
    description="What the reward is computed from: the cell's sensors (cameras, the arm's pose), "
    "or the ground truth of a twin",
    choices=["sensors", "ground_truth"],
)
RESET_OPTIONS = DeclareLaunchArgument(
    "reset_options",
    default_value="",
    description="JSON object: options of every reset of an episode whose goal names no others; "
    "empty: none",
)
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


def text(value):
    """Return a parameter of type string, even if its text is a number."""
    return ParameterValue(value, value_type=str)


TASK = text(LaunchConfiguration("task_name"))


def node(package, executable, condition, name=None, enclave=None, **parameters):
    """Return a node of the cell; its death ends the launch, or it is started again."""
    enclave = [LaunchConfiguration("enclaves"), "/", enclave or executable.removesuffix("_node")]
    return Node(
        package=package,
        executable=executable,
        name=name,
        output="screen",
        ros_arguments=["--log-level", LaunchConfiguration("log_level"), "--enclave", enclave],
        parameters=[{"task": TASK, **parameters}, LaunchConfiguration("params_file")],
        additional_env={"OMP_NUM_THREADS": "1"},
        respawn=LaunchConfiguration("respawn"),
        respawn_delay=4.0,  # after its lease (3 s): its peers have released its memory
        on_exit=[
            Shutdown(
                reason=f"{executable} has ended",
                condition=UnlessCondition(LaunchConfiguration("respawn")),
            )
        ],
        condition=condition,
    )


def camera(number):
    """Return the node of one of the cameras, if the cell has it and its images are our own."""
    name = LaunchConfiguration(number, default="")
    wanted = AndSubstitution(OWN_CAMERAS, NotEqualsSubstitution(name, ""))
    return node(
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
    """Declare the arguments and start the nodes."""
    twin = node(
        "mentor_sim_bridge",
        "twin_node",
        IfCondition(TWIN),
        realtime=LaunchConfiguration("realtime"),
    )
    rehearsal = node(
        "mentor_sim_bridge",
        "rehearsal_node",
        IfCondition(REHEARSAL),
        protocol=text(LaunchConfiguration("robot")),
    )
    arm = node(
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
    stacker = node(
        "mentor_camera",
        "stacker_node",
        None,
        cell_file=text(CELL_FILE),
        image_reliability=reliability,
        image_transport=transport,
    )
    reward = node(
        "mentor_reward",
        "reward_node",
        None,
        states=LaunchConfiguration("states"),
        image_reliability=reliability,
        image_transport=transport,
    )
    reset = node(
        "mentor_reset", "reset_node", None, options=text(LaunchConfiguration("reset_options"))
    )
    no_twin = LogInfo(
        msg="rehearsal:=true is for robot:=fci or robot:=ros2_control; a twin needs none",
        condition=IfCondition(
            AndSubstitution(TWIN, EqualsSubstitution(LaunchConfiguration("rehearsal"), "true"))
        ),
    )
    cameras = [camera(number) for number in CAMERAS]
    return LaunchDescription(
        [STATES, RESET_OPTIONS, no_twin, twin, rehearsal, arm, *cameras, stacker, reward, reset]
    )
