"""The arm node names the task file that it follows, and its limits, before anything else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from task_node import TASK_FILE

from mentor_common.tasks.task import TASK_PATH


def test_the_first_line_names_the_copy_of_the_task_file_and_its_limits(tmp_path: Path) -> None:
    copy = tmp_path / "cable_routing.yaml"
    limits = "\narm:\n  limits: {speed: 0.12, acceleration: 0.5}\n"
    copy.write_text(TASK_FILE.read_text().partition("\narm:")[0] + limits)
    command = [sys.executable, "-m", "mentor_arm.nodes.arm_node", "--ros-args"]
    command += ["-p", "task:=cable_routing", "-p", "backend:=stand_in"]
    env = os.environ | {TASK_PATH: str(tmp_path)}
    node = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)
    try:
        assert node.stderr is not None
        first = next(line for line in node.stderr if "[arm]" in line)
        assert first.endswith(f"task file {copy}: at most 0.12 m/s, 0.5 m/s2\n")
    finally:
        node.send_signal(signal.SIGINT)
        node.wait(60)
