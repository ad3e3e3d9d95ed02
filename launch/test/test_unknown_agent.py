"""What the launch makes of `agent:=` where no plug-in can be asked for, before any process is
started. That a plug-in is taken, and a wrong name refused, is in test/test_agent_of_a_package.py.
"""

from __future__ import annotations

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
given = {"agent": sys.argv[2], "preset": "auto", "overrides": ""}
part = runpy.run_path(sys.argv[1])
sys.executable = sys.argv[3]
part["check_configuration"](LaunchContext(launch_configurations=given))
"""


def checked(agent: str, interpreter: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SCRIPT, str(PART), agent, str(interpreter)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def interpreter(tmp_path: Path) -> Path:
    """An interpreter that has no mentor_policy."""
    file = tmp_path / "python"
    file.write_text("#!/bin/sh\necho 'No module named mentor_policy' >&2\nexit 1\n")
    file.chmod(0o755)
    return file


def test_an_agent_that_nothing_here_knows_is_refused_with_the_reason(interpreter: Path) -> None:
    refused = checked("mentr", interpreter)
    assert refused.returncode == 1
    assert "RuntimeError: agent:=mentr is none of mentor, " in refused.stderr
    assert "cannot be checked here: No module named mentor_policy" in refused.stderr


@pytest.mark.parametrize("agent", ["mentor", "random", "none"])
def test_an_agent_of_ours_needs_no_check(interpreter: Path, agent: str) -> None:
    assert checked(agent, interpreter).returncode == 0
