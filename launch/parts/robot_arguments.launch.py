"""Which robot, cameras, reward and resets a cell has: the arguments, declared before all others."""

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    LogInfo,
    OpaqueFunction,
    SetLaunchConfiguration,
)
from launch.substitutions import EqualsSubstitution, LaunchConfiguration

from mentor_bringup.description import switch

ARGUMENTS = [
    DeclareLaunchArgument("robot", default_value="twin",
                          description="Which robot the cell has: a simulated cell, a Franka over "
                          "its own interface, or one whose controllers run elsewhere",
                          choices=["twin", "fci", "ros2_control"]),
    switch("rehearsal", "false", "Whether a simulated control box and simulated cameras stand in "
           "for the real ones (robot:=fci or robot:=ros2_control)"),
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
    switch("armed", LaunchConfiguration("rehearsal"), "Whether a real arm may move at once; else "
           "a person arms it (service armed)"),
    switch("realtime", "false", "Whether the twin's time goes as the wall's does, instead of as "
           "fast as it can"),
    # By a name, since --show-args of the real launch prints a comparison as a Python object.
    SetLaunchConfiguration(
        "robot_is_twin", EqualsSubstitution(LaunchConfiguration("robot"), "twin")
    ),
    switch("use_sim_time", LaunchConfiguration("robot_is_twin"), "Whether nodes take the time "
           "from the cell's clock topic"),
    DeclareLaunchArgument("states", default_value="sensors",
                          description="What the reward is computed from: the cell's sensors "
                          "(cameras, the arm's pose), or the ground truth of a twin",
                          choices=["sensors", "ground_truth"]),
    DeclareLaunchArgument("reset_options", default_value="",
                          description="JSON object: options of every reset of an episode whose "
                          "goal names no others; empty: none"),
]  # fmt: skip

OF_REAL_CELL = {"rehearsal": "false", "cameras": "realsense", "armed": "false"}
"""Arguments of a real cell alone, and what they are if nobody gives them."""


def say_what_has_no_effect(context):
    """Name the arguments that change nothing beside the others. They are no error, so that a
    command goes over from the real arm to the twin by one argument."""
    values = context.launch_configurations
    idle = []
    if values["robot"] == "twin":
        usual = OF_REAL_CELL | {"armed": values["rehearsal"]}
        idle += [
            f"{name}:={values[name]} is for robot:=fci or robot:=ros2_control"
            for name in OF_REAL_CELL
            if values[name] != usual[name]
        ]
    elif values["realtime"] == "true":
        idle.append("realtime:=true is for robot:=twin")
    transport = values["image_transport"]
    if transport != "raw" and (values["robot"] == "twin" or values["cameras"] != "topics"):
        idle.append(f"image_transport:={transport} is for a real cell with cameras:=topics")
    return [LogInfo(msg=f"Without effect: {each}") for each in idle]


def generate_launch_description():
    """Declare the arguments, and name those without effect."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=say_what_has_no_effect)])
