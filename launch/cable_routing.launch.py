"""The cable routing cell: body and cameras, stacker, reward, reset, and the policy."""

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    SetLaunchConfiguration,
    Shutdown,
)
from launch.conditions import UnlessCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

ARGUMENTS = [
    DeclareLaunchArgument(
        "states",
        default_value="classified",
        description="What the reward is computed from: slot states seen in images, or the "
        "twin's true ones",
        choices=["classified", "truth"],
    ),
]


def part(name):
    """Return what all launch files share under this name."""
    share = FindPackageShare("mentor_bringup")
    path = PathJoinSubstitution([share, "launch", "parts", f"{name}.launch.py"])
    return IncludeLaunchDescription(PythonLaunchDescriptionSource(path))


def node(package, executable, **parameters):
    """Return a node of the cell; its death ends the launch, or it is started again."""
    return Node(
        package=package,
        executable=executable,
        namespace=LaunchConfiguration("namespace"),
        output="screen",
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        parameters=[parameters, LaunchConfiguration("params_file")],
        remappings=[("/clock", "clock")],  # a twin's clock is its cell's alone
        additional_env={"OMP_NUM_THREADS": "1"},
        respawn=LaunchConfiguration("respawn"),
        respawn_delay=4.0,  # after its lease (3 s): all have missed it and let go of its memory
        on_exit=Shutdown(
            reason=f"{executable} has ended",
            condition=UnlessCondition(LaunchConfiguration("respawn")),
        ),
    )


def generate_launch_description():
    """Return the node graph; every node is a process of its own."""
    return LaunchDescription(
        [
            part("robot_arguments"),
            *ARGUMENTS,
            SetLaunchConfiguration("cell", "cable_routing"),
            SetLaunchConfiguration("camera_1", "side"),
            SetLaunchConfiguration("camera_2", "slot_1"),
            SetLaunchConfiguration("camera_3", "slot_2"),
            SetLaunchConfiguration("camera_4", ""),
            part("every_node"),
            part("policy"),  # first: a wrong argument is refused before any process is started
            part("recorder"),  # early: what is published before it listens is in no bag
            part("monitor"),
            part("robot"),
            node("mentor_reward", "reward_node", states=LaunchConfiguration("states")),
            node("mentor_reset", "reset_node", task="cable_routing"),
        ]
    )
