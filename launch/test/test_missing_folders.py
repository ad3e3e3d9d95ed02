"""A bag or a checkpoint that does not exist is refused with those that there are; RViz that is not
installed with the package that has it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LAUNCH = Path(__file__).parents[1]
SCRIPT = """
import runpy, sys
from mentor_bringup.runner.modules import provide_stand_in
provide_stand_in()
from mentor_bringup.runner.context import LaunchContext
file, check, *arguments = sys.argv[1:]
context = LaunchContext(launch_configurations=dict(text.split(":=") for text in arguments))
runpy.run_path(file)[check](context)
"""
OF_POLICY = ("agent:=mentor", "learner:=here", "episodes:=20", "offline_updates:=0", "max_steps:=0",
             "synchronous:=false")  # fmt: skip


@pytest.mark.parametrize(
    ("file", "check", "arguments", "said"),
    [
        ("replay.launch.py", "check_bag", ("bag:=", "diff:=false"),
         "bag:=<folder of a bag> is missing; runs/ has bags in: runs/cable/mentor-0/bags/b"),
        ("replay.launch.py", "check_bag", ("bag:=nothing", "diff:=false"),
         "there is no bag nothing; runs/ has bags in: runs/cable/mentor-0/bags/b"),
        ("parts/policy_arguments.launch.py", "check_bags", ("bags:=runs nothing",),
         "there is no bag nothing; runs/ has bags in: runs/cable/mentor-0/bags/b"),
        ("parts/policy_arguments.launch.py", "check_combination",
         (*OF_POLICY, "mode:=eval", "checkpoint:=nothing", "bags:="),
         "or a run; nothing is none; runs/ has checkpoints in: runs/cable/mentor-0"),
        ("parts/rviz_arguments.launch.py", "check_packages", ("rviz:=true",),
         "rviz:=true: package rviz2 is not installed: install ros-kilted-rviz2, or watch the cell "
         "in the browser with monitor:=true"),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_refused_with_the_way_out(
    tmp_path: Path, file: str, check: str, arguments: tuple[str, ...], said: str
) -> None:
    run = tmp_path / "runs" / "cable" / "mentor-0"
    for made in (run / "bags" / "b" / "b_0.mcap", run / "checkpoints" / "s_1" / "checkpoint.json"):
        made.parent.mkdir(parents=True)
        made.touch()
    workspace = os.environ["AMENT_PREFIX_PATH"].split(":")
    env = {
        **os.environ,
        "ROS_DISTRO": "kilted",
        "AMENT_PREFIX_PATH": ":".join(
            folder for folder in workspace if not Path(folder, "share", "rviz2").exists()
        ),
    }
    command = [sys.executable, "-c", SCRIPT, str(LAUNCH / file), check, *arguments]
    refused = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env)
    assert refused.returncode == 1 and said in refused.stderr.splitlines()[-1]
