"""The peg insertion cell as one launch: it switches pegs at the shelf by itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from short_episodes import short_episodes

LENGTH = 10
STEPS = 3 * LENGTH + 1  # three episodes and the beginning of a fourth; the first has a seed


def test_a_launch_without_further_argument_switches_pegs_and_needs_nobody(tmp_path: Path) -> None:
    runner = [sys.executable, "-m", "mentor_bringup.runner", "mentor_bringup"]
    arguments = ["peg_insertion.launch.py", "agent:=random", f"max_steps:={STEPS}", "run_dir:=run"]
    done = subprocess.run(
        [*runner, *arguments],
        cwd=tmp_path,
        env=short_episodes(tmp_path, "peg_insertion", LENGTH) | {"ROS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert f"summary: steps {STEPS}, episodes 3" in output
    assert "a person is needed" not in output and "reset attempt" not in output
    (saved,) = (tmp_path / "mentor").glob("*_peg_insertion_reset.json")
    state = json.loads(saved.read_text())
    assert sorted(state["episodes"].values()) == [1, 1, 1]  # each peg had its turn without a seed
    assert state["hand"] in state["episodes"]
