"""Plays a bag, or compares what the cell's nodes make of it today with what they made of it then.

All names lie in a namespace of their own, so that a bag never moves a live arm.
"""

import os
from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution

from mentor_bringup.checks import runs_with
from mentor_bringup.description import ONE_THREAD, node, part, switch, text

ARGUMENTS = [
    DeclareLaunchArgument("bag", default_value="", description="Folder of the bag"),
    DeclareLaunchArgument("rate", default_value="1.0",
                          description="How fast the bag is played; diff: does not matter"),
    DeclareLaunchArgument("from", default_value="0.0",
                          description="Seconds from the bag's beginning"),
    DeclareLaunchArgument("to", default_value="0.0",
                          description="Seconds from the bag's beginning; 0: to its end"),
    DeclareLaunchArgument("episodes", default_value="",
                          description="Episodes by position or number, e.g. 0-2,5; empty: all"),
    switch("use_sim_time", "true", "Whether nodes take the time from the bag's clock, as a replay "
           "must"),
    DeclareLaunchArgument("namespace", default_value="replay",
                          description="Namespace that holds all names of the replay"),
    switch("diff", "false", "Whether the stacker, the reward node and the policy are started on "
           "what was recorded, and what they make of it is compared with what they made of it "
           "then"),
    DeclareLaunchArgument("report", default_value="",
                          description="diff: file that the summary is written to, as JSON"),
    DeclareLaunchArgument("run_dir", default_value="",
                          description="diff: run whose weights acted; empty: as it was recorded"),
]  # fmt: skip


COMPARED = ("stacker", "reward")
"""Nodes that a comparison starts with the parameters that they were recorded with."""


def check_bag(context):
    """Refuse a bag that does not exist, and a comparison without these parameters, before any
    process is started."""
    bag, diff = (context.launch_configurations[name] for name in ("bag", "diff"))
    bag = context.launch_configurations["bag"] = os.path.expanduser(bag)
    if not bag or not os.path.exists(bag):
        what = f"there is no bag {bag}" if bag else "bag:=<folder of a bag> is missing"
        raise RuntimeError(f"{what}; {runs_with('bags')}")
    missing = [n for n in COMPARED if not Path(bag, "parameters", f"{n}.yaml").is_file()]
    if diff == "true" and missing:
        raise RuntimeError(
            f"diff:=true: bag:={bag} has no file parameters/{missing[0]}.yaml. Give the folder of "
            "a bag that record:= made; others, as of `ros2 bag record`, can be played "
            "(diff:=false) and viewed (python -m mentor_recorder view)"
        )


def player(package, executable, parameters, **others):
    """Return a node of the replay, whose end is the launch's."""
    end = Shutdown(reason=f"{executable} has ended")
    return node(package, executable, parameters, on_exit=[end], **others)


def compared(package, executable, name, topic):
    """Return a node whose output is compared, with the parameters that it was recorded with."""
    recorded = PathJoinSubstitution([LaunchConfiguration("bag"), "parameters", f"{name}.yaml"])
    return player(
        package,
        executable,
        # The replay node starts what it needs, and loses no image.
        [recorded, {"autostart": False, "image_reliability": "reliable"}],
        remappings=[(topic, f"replayed/{topic}")],
        additional_env={
            **ONE_THREAD,  # as in the cell: the last bits depend on it
            "MENTOR_IGNORE_UNKNOWN_PARAMETERS": "1",  # those of another version of the node
        },
        condition=IfCondition(LaunchConfiguration("diff")),
    )


def generate_launch_description():
    """Return the replay node and, for a comparison, the nodes that are compared."""
    replay = {name: text(LaunchConfiguration(name)) for name in ("bag", "episodes", "report")}
    for name in ("diff", "rate", "from", "to"):
        replay[name] = LaunchConfiguration(name)
    policy = {name: text(LaunchConfiguration(name)) for name in ("bag", "run_dir")}
    return LaunchDescription(
        [
            *ARGUMENTS,
            OpaqueFunction(function=check_bag),
            part("every_node"),
            player("mentor_recorder", "replay_node", [replay]),
            compared("mentor_camera", "stacker_node", "stacker", "observation"),
            compared("mentor_reward", "reward_node", "reward", "reward"),
            player(
                "mentor_policy", "policy_replay_node", [policy],
                condition=IfCondition(LaunchConfiguration("diff")),
            ),
        ]
    )  # fmt: skip
