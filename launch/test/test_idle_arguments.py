"""Arguments that change nothing beside the others are named before the cell is started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PART = Path(__file__).parents[1] / "parts" / "robot_arguments.launch.py"
SCRIPT = """
import runpy, sys
from mentor_bringup.runner.modules import provide_stand_in
provide_stand_in()
from mentor_bringup.runner.context import LaunchContext
arguments = {"robot": "twin", "rehearsal": "false", "cameras": "realsense", "realtime": "false",
             "image_transport": "raw"} | dict(each.split(":=") for each in sys.argv[2:])
arguments.setdefault("armed", arguments["rehearsal"])
context = LaunchContext(launch_configurations=arguments)
for action in runpy.run_path(sys.argv[1])["say_what_has_no_effect"](context):
    print(action.msg)
"""
REAL = "is for robot:=fci or robot:=ros2_control"
OWN = "image_transport:=compressed is for a real cell with cameras:=topics"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), ()),
        (("rehearsal:=true",), (f"rehearsal:=true {REAL}",)),
        (("armed:=true", "cameras:=topics"), (f"cameras:=topics {REAL}", f"armed:=true {REAL}")),
        (("cameras:=topics", "image_transport:=compressed"), (f"cameras:=topics {REAL}", OWN)),
        (("robot:=fci", "rehearsal:=true"), ()),
        (("robot:=fci", "realtime:=true"), ("realtime:=true is for robot:=twin",)),
        (("robot:=fci", "image_transport:=compressed"), (OWN,)),
        (("robot:=fci", "cameras:=topics", "image_transport:=compressed", "armed:=true"), ()),
    ],
)
def test_arguments_without_effect_are_named(
    arguments: tuple[str, ...], told: tuple[str, ...]
) -> None:
    command = [sys.executable, "-c", SCRIPT, str(PART), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"Without effect: {each}" for each in told]
