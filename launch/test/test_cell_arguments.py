"""What belongs to a real cell is checked before any node is started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LAUNCH = Path(__file__).parents[1]
EXAMPLE = str(LAUNCH.parent / "cells" / "example.yaml")
SCRIPT = """
import runpy, sys
from mentor_bringup.runner.modules import provide_stand_in
provide_stand_in()
from mentor_bringup.runner.context import LaunchContext
arguments = {"robot": "twin", "rehearsal": "false", "cell_file": "", "reset_options": "",
             "task_name": "cable_routing"} | dict(each.split(":=") for each in sys.argv[2:])
context = LaunchContext(launch_configurations=arguments)
part = runpy.run_path(sys.argv[1])
part["check_cell_file"](context)
part["check_contents"](context)
print(context.launch_configurations["cell_file"])
"""


def checked(*arguments: str, **env: str) -> tuple[int, str]:
    """Check launch arguments of a cell; return the status, and the cell file or the last line."""
    part = str(LAUNCH / "parts" / "robot_arguments.launch.py")
    command = [sys.executable, "-c", SCRIPT, part, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | env)
    return done.returncode, done.stdout.strip() or "".join(done.stderr.splitlines()[-1:])


def test_a_cell_with_all_that_it_needs_is_passed(tmp_path: Path) -> None:
    assert checked("robot:=fci", f"cell_file:={EXAMPLE}") == (0, EXAMPLE)
    assert checked("robot:=fci", "rehearsal:=true") == (0, "") == checked("robot:=twin")
    (tmp_path / "mine.yaml").write_text("name: mine\n")
    mine = f"{tmp_path}/mine.yaml"
    assert checked("robot:=fci", "cell_file:=~/mine.yaml", HOME=str(tmp_path)) == (0, mine)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("robot:=fci",), "robot:=fci needs cell_file:= (cp cells/example.yaml cells/mine.yaml)"),
        (("robot:=fci", "cell_file:=cells/none.yaml"),
         "cell_file:=cells/none.yaml: no such file; cp cells/example.yaml there and fill it in"),
        (("robot:=ros2_control", f"cell_file:={__file__}"), f"cell file {__file__}"),
        (("reset_options:={peg: star}",), "reset_options:={peg: star} is no JSON object: "),
        (("reset_options:=[1]",), "reset_options:=[1] is no JSON object: it is list"),
        (('reset_options:={"peg": "star"}',), "option 'peg' is unknown; known: none"),
    ],
)  # fmt: skip
def test_what_a_node_would_notice_later_is_refused(arguments: tuple[str, ...], said: str) -> None:
    status, refusal = checked(*arguments)
    assert status == 1 and said in refusal


def test_a_task_path_that_does_not_exist_is_refused() -> None:
    status, refusal = checked(MENTOR_TASK_PATH="/nonexist")
    assert status == 1
    assert "MENTOR_TASK_PATH: folder /nonexist does not exist; correct it or unset it" in refusal
