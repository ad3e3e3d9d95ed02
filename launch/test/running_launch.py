"""Runs launch files as real processes, for the tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

from mentor_bringup.runner.descendants import marked_processes

HEADER = """
from launch import LaunchDescription
from launch.actions import *
from launch.conditions import *
from launch.event_handlers import *
from launch.launch_description_sources import *
from launch.substitutions import *
from launch_ros.actions import *
from launch_ros.parameter_descriptions import *
from launch_ros.substitutions import *
"""


@dataclass(frozen=True)
class Launcher:
    """A way to run a launch file.

    Attributes:
        name: name of the test's variant.
        command: its command line, up to the launch file.
        gives_status: whether it ends with the status of the process that ended the launch.
    """

    name: str
    command: tuple[str, ...]
    gives_status: bool


RUNNER = Launcher("runner", (sys.executable, "-m", "mentor_bringup.runner"), True)
LAUNCHERS = [RUNNER]
"""The runner, by its stand-in or a distribution's launch, and `ros2 launch` where it is."""
if ROS2 := shutil.which("ros2"):
    LAUNCHERS.append(Launcher("ros2 launch", (ROS2, "launch"), False))


def launch_file(
    folder: Path, entities: str, name: str = "some.launch.py", *, before: str = ""
) -> Path:
    """Write a launch file.

    Args:
        folder: where it is written.
        entities: entities of its launch description, as Python text.
        name: name of the file.
        before: what stands before the function that returns them.
    """
    body = textwrap.indent(textwrap.dedent(entities), " " * 8)
    path = folder / name
    function = "def generate_launch_description():\n    return LaunchDescription(["
    path.write_text(f"{HEADER}\n{textwrap.dedent(before)}\n{function}\n{body}\n    ])\n")
    return path


class RunningLaunch:
    """A launch that runs; its output is collected in a file."""

    def __init__(
        self,
        *arguments: object,
        folder: Path,
        env: dict[str, str] | None = None,
        launcher: Launcher = RUNNER,
    ) -> None:
        self._file = folder / f"output_{time.monotonic_ns()}.txt"
        environment = {k: v for k, v in os.environ.items() if k != "ROS_DOMAIN_ID"}
        environment["ROS_LOG_DIR"] = str(folder / "log")
        with self._file.open("wb") as stream:
            self.process = subprocess.Popen(
                [*launcher.command, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=environment | (env or {}),
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """What was printed so far."""
        return self._file.read_text(errors="replace")

    def wait_for(self, text: str, seconds: float = 60.0, times: int = 1) -> None:
        """Wait until the launch has printed `text`, some times."""
        until = time.monotonic() + seconds
        while self.output.count(text) < times:
            assert self.process.poll() is None, f"ended without {text!r}:\n{self.output}"
            assert time.monotonic() < until, f"no {text!r} in:\n{self.output}"
            time.sleep(0.02)

    def end(self, number: int | None = None, seconds: float = 60.0) -> int:
        """Send a signal if one is given; return the exit status."""
        if number is not None:
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            raise AssertionError(f"the launch did not end:\n{self.output}") from None

    def mark(self) -> dict[str, str]:
        """Return the mark that all processes of this launch carry."""
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and self._descends(int(folder.name)):
                for entry in (folder / "environ").read_bytes().split(b"\0"):
                    name, _, value = entry.partition(b"=")
                    if name == b"MENTOR_LAUNCH":
                        return {"MENTOR_LAUNCH": value.decode()}
        raise AssertionError("the launch has no process with a mark")

    def _descends(self, process: int) -> bool:
        """Return whether a process is a child of the launch, or a child's child."""
        while process not in (0, 1):
            try:
                stat = Path(f"/proc/{process}/stat").read_text()
            except OSError:
                return False
            process = int(stat.rpartition(")")[2].split()[1])
            if process == self.process.pid:
                return True
        return False


def run(
    *arguments: object,
    folder: Path,
    env: dict[str, str] | None = None,
    launcher: Launcher = RUNNER,
) -> tuple[int, str]:
    """Run a launch to its end; return its status and output."""
    launch = RunningLaunch(*arguments, folder=folder, env=env, launcher=launcher)
    status = launch.end()
    return status, launch.output


def wait_until_gone(mark: dict[str, str], seconds: float) -> list[int]:
    """Wait until no process carries the mark; return those that still do in the end."""
    until = time.monotonic() + seconds
    while (left := marked_processes(mark)) and time.monotonic() < until:
        time.sleep(0.05)
    return left
