"""The policy node and its arguments, for the launch file of any task.

With learner:=elsewhere the actor node acts instead, and follows the weights that it receives. With
agent:=none neither is started.
"""

import json
import os
from pathlib import Path

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    OpaqueFunction,
    SetEnvironmentVariable,
    Shutdown,
)
from launch.conditions import IfCondition
from launch.substitutions import (
    AndSubstitution,
    EqualsSubstitution,
    IfElseSubstitution,
    LaunchConfiguration,
    NotEqualsSubstitution,
)

from mentor_bringup.description import SAVES, node, part, switch, text

EPISODES = "20"
ARGUMENTS = [
    DeclareLaunchArgument("learner", default_value="here",
                          description="Where the agent learns: in the policy node, or by "
                          "learner.launch.py on another machine", choices=["here", "elsewhere"]),
    DeclareLaunchArgument("mode", default_value="train",
                          description="Learn, or roll a checkpoint out and report its success",
                          choices=["train", "eval"]),
    DeclareLaunchArgument("checkpoint", default_value="",
                          description="For mode:=eval: folder of a checkpoint or of a run"),
    DeclareLaunchArgument("episodes", default_value=EPISODES,
                          description="For mode:=eval: episodes to roll out"),
    DeclareLaunchArgument("bags", default_value="",
                          description="For mode:=train: folders of bags, separated by spaces, "
                          "whose steps a new run begins with; overrides:=train.bag_share=0.5 "
                          "takes half of every batch from them"),
    DeclareLaunchArgument("offline_updates", default_value="0",
                          description="Updates on these bags before the first step"),
    switch("synchronous", "false", "Whether the cell waits while the agent learns, so that a run "
           "can be repeated to the bit"),
]  # fmt: skip
SHARED = ("agent", "preset", "overrides", "run_dir", "max_steps", "seed", "device")
POLICY_ONLY = ("mode", "checkpoint", "episodes", "bags", "offline_updates", "synchronous")
OF_POLICY = {
    "mode": "train", "checkpoint": "", "bags": "", "offline_updates": "0", "synchronous": "false",
}  # fmt: skip
"""Arguments of the policy node alone, and what they are if nobody gives them."""
RESET_OPTIONS = LaunchConfiguration("reset_options", default="")
KNOWN_RESET_OPTIONS = IfElseSubstitution(
    EqualsSubstitution(RESET_OPTIONS, ""), if_value="{}", else_value=RESET_OPTIONS
)
"""What the run's folder records of the reset node's options; none, where none are given."""
TEXTS = ("agent", "preset", "overrides", "run_dir", "device", "mode", "checkpoint", "bags")


def check_numbers(context):
    """Refuse a number that is none before any process is started."""
    for name, least in (("episodes", 1), ("offline_updates", 0)):
        value = context.launch_configurations[name]
        if not value.isdecimal() or int(value) < least:
            raise RuntimeError(f"{name}:={value} is not a whole number, {least} or larger")


def check_combination(context):
    """Refuse arguments that would have no effect beside the others."""
    values = context.launch_configurations
    given = [
        f"{name}:={values[name]}" for name, usual in OF_POLICY.items() if values[name] != usual
    ]
    for absent, instead in (("agent:=none", "nobody"), ("learner:=elsewhere", "the actor node")):
        name, _, value = absent.partition(":=")
        if given and values[name] == value:
            raise RuntimeError(
                f"{given[0]} is for the policy node; with {absent} {instead} acts in its place: "
                "leave one of them out"
            )
    if values["mode"] != "eval" and values["episodes"] != EPISODES:
        raise RuntimeError(
            f"episodes:={values['episodes']} is for mode:=eval; a training ends after max_steps:="
        )
    for name in ("bags", "offline_updates", "max_steps"):
        if values["mode"] == "eval" and values[name] not in ("", "0"):
            raise RuntimeError(
                f"{name}:={values[name]} is for mode:=train; mode:=eval ends after episodes:="
            )
    if values["agent"] == "random" and (values["bags"] or values["offline_updates"] != "0"):
        raise RuntimeError("bags:= and offline_updates:= are for an agent that learns, not random")
    values["checkpoint"] = os.path.expanduser(values["checkpoint"])
    if values["mode"] == "eval" and not (
        values["checkpoint"] and Path(values["checkpoint"]).is_dir()
    ):
        raise RuntimeError(
            "mode:=eval needs checkpoint:=, the folder of a checkpoint or a run"
            + (f"; {values['checkpoint']} is none" if values["checkpoint"] else "")
        )
    if values["mode"] != "eval" and values["checkpoint"]:
        raise RuntimeError(
            f"checkpoint:={values['checkpoint']} is for mode:=eval; a run continues from its own "
            "checkpoints, in run_dir:="
        )


def choose_log_folder(context):
    """Have the nodes log in the run's folder; beside it where the run is complete.

    A complete run stays as it is to the byte, whatever is asked of it.
    """
    run = Path(context.launch_configurations["run_dir"])
    try:
        complete = json.loads((run / "summary.json").read_text())["complete"] is True
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        complete = False
    folder = run.with_name(f"{run.name}.logs") if complete and run.name else run / "logs"
    return [SetEnvironmentVariable("ROS_LOG_DIR", str(folder))]


def agent(executable, names, learner, **others):
    """Return the node that acts for a place of the learner; its end is the launch's.

    Args:
        executable: executable of package mentor_policy.
        names: launch arguments that are its parameters.
        learner: value of the argument `learner` that it is started for.
        others: further parameters.
    """
    parameters = {name: LaunchConfiguration(name) for name in names} | others
    for name in set(names) & set(TEXTS):
        parameters[name] = text(LaunchConfiguration(name))
    return node(
        "mentor_policy",
        executable,
        [parameters],
        on_exit=[Shutdown(reason=f"{executable} has ended")],
        **SAVES,
        condition=IfCondition(
            AndSubstitution(
                EqualsSubstitution(LaunchConfiguration("learner"), learner),
                NotEqualsSubstitution(LaunchConfiguration("agent"), "none"),
            )
        ),
    )


def generate_launch_description():
    """Declare the arguments and start the node that acts."""
    return LaunchDescription(
        [
            part("agent"),
            *ARGUMENTS,
            OpaqueFunction(function=check_numbers),
            OpaqueFunction(function=check_combination),
            OpaqueFunction(function=choose_log_folder),
            agent(
                "policy_node",
                SHARED + POLICY_ONLY,
                "here",
                reset_options=text(KNOWN_RESET_OPTIONS),
            ),
            agent("actor_node", SHARED, "elsewhere"),
        ]
    )
