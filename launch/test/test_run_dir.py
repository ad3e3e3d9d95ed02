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
check = runpy.run_path(sys.argv[1])["check_run_dir"]
if sys.argv[3:]:  # root may write everywhere
    check.__globals__["is_writable"] = lambda folder: False
check(context)
print(context.launch_configurations["run_dir"])
"""


def checked(run_dir: str, home: Path, *read_only: str) -> subprocess.CompletedProcess[str]:
    """Check a value of the argument; print what the nodes are given. With a third argument nothing
    can be written anywhere."""
    command = [sys.executable, "-c", SCRIPT, str(PART), run_dir, *read_only]
    env = {**os.environ, "HOME": str(home)}
    return subprocess.run(command, capture_output=True, text=True, cwd=home, env=env)


@pytest.mark.parametrize("run_dir", ["runs/mine", "/nowhere/mine", "."])
def test_a_folder_that_is_there_or_can_be_made_is_left_as_it_was_given(
    tmp_path: Path, run_dir: str
) -> None:
    assert checked(run_dir, tmp_path).stdout == f"{run_dir}\n"


def test_a_tilde_that_the_shell_has_left_is_the_home_folder(tmp_path: Path) -> None:
    assert checked("~/runs/mine", tmp_path).stdout == f"{tmp_path}/runs/mine\n"


def test_a_folder_in_which_even_root_can_make_none_is_refused(tmp_path: Path) -> None:
    for run_dir, folder in (("/proc/x", "/proc"), ("/proc", "/proc")):
        refused = checked(run_dir, tmp_path)
        assert refused.returncode == 1
        said = f"run_dir:={run_dir} cannot be made: {folder} is no folder that you may write to"
        assert f"{said}; give another one" in refused.stderr


def test_the_folder_of_a_complete_run_need_not_be_written_to(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    refused = checked(str(run), tmp_path, "read-only")
    assert refused.returncode == 1 and f"{run} is no folder that you may write" in refused.stderr
    (run / "summary.json").write_text('{"complete": false}')
    assert checked(str(run), tmp_path, "read-only").returncode == 1
    (run / "summary.json").write_text('{"complete": true}')
    assert checked(str(run), tmp_path, "read-only").stdout == f"{run}\n"


@pytest.mark.parametrize("run_dir", ["file", "file/mine"])
def test_a_folder_that_cannot_be_made_is_refused_by_name(tmp_path: Path, run_dir: str) -> None:
    (tmp_path / "file").write_text("")
    refused = checked(run_dir, tmp_path)
    assert refused.returncode == 1
    assert f"run_dir:={run_dir} cannot be made: {tmp_path}/file is no folder" in refused.stderr
