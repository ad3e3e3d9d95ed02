"""The arguments of whoever learns: the policy node, and the learner of another machine."""

import os
from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration

from mentor_bringup.checks import ask, is_complete, is_writable

AGENTS = [
    "mentor", "mentor_wo_moe", "mentor_wo_tp", "mentor_wo_both", "mentor_pretrained",
    "drm", "drqv2", "alix", "taco", "random", "none",
]  # fmt: skip

ARGUMENTS = [
    DeclareLaunchArgument("agent", default_value="mentor",
                          description=f"Who acts and learns: {', '.join(AGENTS[:-1])}, or a "
                          "plug-in of the group mentor.agents; none: nobody, the cell waits for "
                          "an agent of yours"),
    DeclareLaunchArgument("preset", default_value="auto",
                          description="Column of Table 2 or another preset; auto: the one that "
                          "fits the task"),
    DeclareLaunchArgument("overrides", default_value="",
                          description="Further settings, e.g. 'agent.experts=8 agent.top_k=2'"),
    DeclareLaunchArgument("max_steps", default_value="0",
                          description="Environment steps after which the launch ends; 0: those "
                          "of the preset, for agent:=random until Ctrl-C"),
    DeclareLaunchArgument("seed", default_value="0",
                          description="Seed of the agent and of the environment; with "
                          "mode:=eval of the first episode (0: 1,000,000)"),
    DeclareLaunchArgument("device", default_value="auto",
                          description="Where the agent learns and acts: cpu, cuda, cuda:<n>, or "
                          "auto: the first CUDA device, else the processor"),
    DeclareLaunchArgument("run_dir",
                          default_value=["runs/", LaunchConfiguration("task_name"), "/",
                                         LaunchConfiguration("agent"), "-",
                                         LaunchConfiguration("seed")],
                          description="Folder of the run, resumed if it exists and fits"),
]  # fmt: skip


LARGEST = {"max_steps": 10**9, "seed": 2**31 - 1}
"""The largest values that the nodes take."""


def check_numbers(context):
    """Refuse a number that is none before any process is started."""
    for name, most in LARGEST.items():
        value = context.launch_configurations[name]
        if not (value.isascii() and value.isdecimal() and int(value) <= most):
            raise RuntimeError(f"{name}:={value} is not a whole number from 0 to {most}")


def check_run_dir(context):
    """Refuse a folder that cannot be made, or one of an unfinished run that cannot be written to. A
    leading `~`, which a shell leaves in `run_dir:=~/x`, is the home folder."""
    run = Path(os.path.expanduser(context.launch_configurations["run_dir"]))
    context.launch_configurations["run_dir"] = str(run)
    whole = run.absolute()
    there = next(each for each in (whole, *whole.parents) if os.path.exists(each))
    writable = is_complete(whole) or is_writable(str(there))  # nothing is written to a complete one
    if not os.path.isdir(there) or not writable:
        raise RuntimeError(
            f"run_dir:={run} cannot be made: {there} is no folder that you may write to; give "
            "another one"
        )


def check_configuration(context):
    """Refuse an agent, a preset or a setting that the node would refuse, before any process is
    started. This file imports no other package, so a process asks the code that knows them."""
    agent, preset, overrides = (
        context.launch_configurations[name] for name in ("agent", "preset", "overrides")
    )
    known = agent in AGENTS  # any other may be a plug-in
    if agent == "none" or (known and preset == "auto" and not overrides):
        return
    reason = ask("mentor_policy.config", agent, preset, overrides)
    if reason and not known:  # of a known one the node checks the rest itself
        raise RuntimeError(
            f"agent:={agent} is none of {', '.join(AGENTS)}, and whether a plug-in has this name "
            f"cannot be checked here: {reason}"
        )


def check_device(context):
    """Refuse a device that is none, or that this machine does not have."""
    agent, device = (context.launch_configurations[name] for name in ("agent", "device"))
    if agent != "none" and device not in ("auto", "cpu"):
        ask("mentor_policy.device", device)


def generate_launch_description():
    """Declare and check the arguments."""
    checks = (check_numbers, check_run_dir, check_configuration, check_device)
    return LaunchDescription([*ARGUMENTS, *(OpaqueFunction(function=check) for check in checks)])
