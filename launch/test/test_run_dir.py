"""What the launch makes of `run_dir:=` before any process is started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PART = Path(__file__).parents[1] / "parts" / "agent.launch.py"
SCRIPT = """
import runpy, sys
from mentor_bringup.runner.modules import provide_stand_in
provide_stand_in()
from mentor_bringup.runner.context import LaunchContext
context = LaunchContext(launch_configurations={"run_dir": sys.argv[2]})
runpy.run_path(sys.argv[1])["check_run_dir"](context)
print(context.launch_configurations["run_dir"])
"""


def checked(run_dir: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Check a value of the argument; print what the nodes are given."""
    command = [sys.executable, "-c", SCRIPT, str(PART), run_dir]
    env = {**os.environ, "HOME": str(home)}
    return subprocess.run(command, capture_output=True, text=True, cwd=home, env=env)


@pytest.mark.parametrize("run_dir", ["runs/mine", "/nowhere/mine", "."])
def test_a_folder_that_is_there_or_can_be_made_is_left_as_it_was_given(
    tmp_path: Path, run_dir: str
) -> None:
    assert checked(run_dir, tmp_path).stdout == f"{run_dir}\n"


def test_a_tilde_that_the_shell_has_left_is_the_home_folder(tmp_path: Path) -> None:
    assert checked("~/runs/mine", tmp_path).stdout == f"{tmp_path}/runs/mine\n"


@pytest.mark.parametrize("run_dir", ["file", "file/mine"])
def test_a_folder_that_cannot_be_made_is_refused_by_name(tmp_path: Path, run_dir: str) -> None:
    (tmp_path / "file").write_text("")
    refused = checked(run_dir, tmp_path)
    assert refused.returncode == 1
    assert f"run_dir:={run_dir} cannot be made: {tmp_path}/file is no folder" in refused.stderr
