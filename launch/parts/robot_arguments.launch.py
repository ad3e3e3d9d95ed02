"""Which robot and which cameras a cell has: the arguments, to be declared before all others."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, SetLaunchConfiguration
from launch.substitutions import EqualsSubstitution, LaunchConfiguration

ARGUMENTS = [
    DeclareLaunchArgument("robot", default_value="twin",
                          description="Which robot the cell has: a simulated cell, a Franka over "
                          "its own interface, or one whose controllers run elsewhere",
                          choices=["twin", "fci", "ros2_control"]),
    DeclareLaunchArgument("rehearsal", default_value="false",
                          description="Whether a simulated control box and simulated cameras "
                          "stand in for the real ones (robot:=fci or robot:=ros2_control)",
                          choices=["true", "false"]),
    DeclareLaunchArgument("cameras", default_value="realsense",
                          description="Who publishes the images of a real cell: this project's "
                          "camera nodes, or others, such as realsense2_camera, on the same topics",
                          choices=["realsense", "topics"]),
    DeclareLaunchArgument("image_transport", default_value="raw",
                          description="With cameras:=topics: whether images come raw or "
                          "compressed", choices=["raw", "compressed"]),
    DeclareLaunchArgument("cell_file", default_value="",
                          description="File of the real cell (cells/example.yaml); empty: "
                          "defaults, or the rehearsal's"),
    DeclareLaunchArgument("armed", default_value=LaunchConfiguration("rehearsal"),
                          description="Whether a real arm may move at once; else a person arms "
                          "it (service armed)", choices=["true", "false"]),
    DeclareLaunchArgument("realtime", default_value="false",
                          description="Whether the twin's time goes as the wall's does, instead "
                          "of as fast as it can", choices=["true", "false"]),
    # By a name, since --show-args of the real launch prints a comparison as a Python object.
    SetLaunchConfiguration(
        "robot_is_twin", EqualsSubstitution(LaunchConfiguration("robot"), "twin")
    ),
    DeclareLaunchArgument("use_sim_time", default_value=LaunchConfiguration("robot_is_twin"),
                          description="Whether nodes take the time from the cell's clock topic",
                          choices=["true", "false"]),
]  # fmt: skip


def generate_launch_description():
    """Declare the arguments."""
    return LaunchDescription(ARGUMENTS)
