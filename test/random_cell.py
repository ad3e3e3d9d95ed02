"""A launched cable cell in which an agent acts at random and reports often that it goes on."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

from node_process import eventually


class RandomCell:
    """The launch of the cell, as a process; its output goes into a file of the folder."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "log.txt"
        often = folder / "often.yaml"
        often.write_text("policy:\n  ros__parameters:\n    progress_period: 0.1\n")
        with self._log.open("w") as output:
            self.launch = subprocess.Popen(
                [
                    sys.executable, "-m", "mentor_bringup.runner", "mentor_bringup",
                    "cable_routing.launch.py", "agent:=random", f"params_file:={often}",
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
            )  # fmt: skip

    @property
    def output(self) -> str:
        return self._log.read_text()

    @property
    def progress(self) -> tuple[int, str]:
        """How often the agent has reported that it has gone on, and its last report."""
        found = re.findall(r"step (\d+): steps", self.output)
        return len(found), found[-1] if found else ""

    def goes_on(self, seconds: float) -> bool:
        """Return whether steps flow in time, of this process of the agent or of a new one."""
        count, step = self.progress
        changed = lambda: self.progress[0] > count and self.progress[1] != step  # noqa: E731
        return eventually(changed, seconds)

    def close(self) -> None:
        self.launch.send_signal(signal.SIGINT)
        self.launch.wait(60.0)
