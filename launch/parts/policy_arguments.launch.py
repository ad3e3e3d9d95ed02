"""The arguments of the policy node: declared and checked before any node is started."""

import os
import shlex
from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable

from mentor_bringup.checks import is_complete, runs_with
from mentor_bringup.description import part, switch

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
OF_POLICY = {
    "mode": "train", "checkpoint": "", "bags": "", "offline_updates": "0", "synchronous": "false",
}  # fmt: skip
"""Arguments of the policy node alone, and what they are if nobody gives them."""


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
        given = f"; {values['checkpoint']} is none" if values["checkpoint"] else ""
        raise RuntimeError(
            f"mode:=eval needs checkpoint:=, the folder of a checkpoint or a run{given}; "
            f"{runs_with('checkpoints')}"
        )
    if values["mode"] != "eval" and values["checkpoint"]:
        raise RuntimeError(
            f"checkpoint:={values['checkpoint']} is for mode:=eval; a run continues from its own "
            "checkpoints, in run_dir:="
        )


def check_bags(context):
    """Refuse a bag that does not exist, before the run's folder is made."""
    for bag in shlex.split(context.launch_configurations["bags"]):
        if not os.path.exists(os.path.expanduser(bag)):
            raise RuntimeError(f"bags:= there is no bag {bag}; {runs_with('bags')}")


def choose_log_folder(context):
    """Have the nodes log in the run's folder; beside it where the run is complete.

    A complete run stays as it is to the byte, whatever is asked of it.
    """
    run = Path(context.launch_configurations["run_dir"])
    beside = is_complete(run) and run.name
    folder = run.with_name(f"{run.name}.logs") if beside else run / "logs"
    return [SetEnvironmentVariable("ROS_LOG_DIR", str(folder))]


def generate_launch_description():
    """Declare and check the arguments, and choose where the nodes log."""
    actions = (check_numbers, check_combination, check_bags, choose_log_folder)
    return LaunchDescription(
        [part("agent"), *ARGUMENTS, *(OpaqueFunction(function=action) for action in actions)]
    )
