"""The whole way: a random agent plays a benchmark task over real DDS, started by a launch file."""

from __future__ import annotations

import re
import subprocess
import sys


def test_a_random_agent_plays_200_steps_of_hopper_hop() -> None:
    arguments = ["suite:=dmc", "task:=hopper_hop", "agent:=random", "max_steps:=200"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mentor_bringup.runner",
            "mentor_bringup",
            "benchmark.launch.py",
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = re.search(
        r"summary: steps (\d+), episodes (\d+), .*return .*([\d.]+) steps/s", done.stdout
    )
    assert summary is not None, done.stdout
    assert int(summary[1]) == 200
