"""Which robot, cameras, reward and resets a cell has: the arguments, declared before all others."""

import os

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    LogInfo,
    OpaqueFunction,
    SetLaunchConfiguration,
)
from launch.substitutions import EqualsSubstitution, LaunchConfiguration

from mentor_bringup.checks import ask, check_json_object
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
                          description="File of the real cell (cells/example.yaml), which "
                          "robot:=fci needs; empty: the rehearsal's with rehearsal:=true, else "
                          "defaults"),
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


def check_cell_file(context):
    """Refuse a cell file that is missing. The defaults have no bounds, and an address that may be
    that of another arm."""
    values = context.launch_configurations
    path = values["cell_file"] = os.path.expanduser(values["cell_file"])
    if not path and values["robot"] == "fci" and values["rehearsal"] != "true":
        raise RuntimeError(
            "robot:=fci needs cell_file:= (cp cells/example.yaml cells/mine.yaml), or "
            "rehearsal:=true"
        )
    if path and not os.path.isfile(path):
        raise RuntimeError(
            f"cell_file:={path}: no such file; cp cells/example.yaml there and fill it in"
        )


def check_contents(context):
    """Refuse options of the resets, a cell file or a task file that a node would refuse later.

    The task files of the packages are right, so that without any of these there is nothing to ask.
    """
    values = context.launch_configurations
    options = values["reset_options"]
    check_json_object("reset_options", options)
    if values["cell_file"] or options or os.environ.get("MENTOR_TASK_PATH"):
        ask("mentor_common.cell.launch_check", values["task_name"], values["cell_file"], options)


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
    """Declare and check the arguments, and name those without effect."""
    checks = (check_cell_file, check_contents, say_what_has_no_effect)
    return LaunchDescription([*ARGUMENTS, *(OpaqueFunction(function=check) for check in checks)])
