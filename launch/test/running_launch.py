"""Runs launch files with the runner, as real processes, for the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
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


def launch_file(folder: Path, entities: str, name: str = "some.launch.py") -> Path:
    """Write a launch file of these entities, given as Python text."""
    body = textwrap.indent(textwrap.dedent(entities), " " * 8)
    path = folder / name
    function = "def generate_launch_description():\n    return LaunchDescription(["
    path.write_text(f"{HEADER}\n{function}\n{body}\n    ])\n")
    return path


class RunningLaunch:
    """A launch that runs; its output is collected in a file."""

    def __init__(self, *arguments: object, folder: Path, env: dict[str, str] | None = None) -> None:
        self._file = folder / f"output_{time.monotonic_ns()}.txt"
        environment = {k: v for k, v in os.environ.items() if k != "ROS_DOMAIN_ID"}
        with self._file.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mentor_bringup.runner", *map(str, arguments)],
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=environment | (env or {}),
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """What was printed so far."""
        return self._file.read_text(errors="replace")

    def wait_for(self, text: str, seconds: float = 60.0) -> None:
        """Wait until the launch has printed `text`."""
        until = time.monotonic() + seconds
        while text not in self.output:
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
        """The mark that all processes of this launch carry."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        for child in children.split():
            for entry in Path(f"/proc/{child}/environ").read_bytes().split(b"\0"):
                name, _, value = entry.partition(b"=")
                if name == b"MENTOR_LAUNCH":
                    return {"MENTOR_LAUNCH": value.decode()}
        raise AssertionError("the launch has no process with a mark")


def run(*arguments: object, folder: Path, env: dict[str, str] | None = None) -> tuple[int, str]:
    """Run a launch to its end; return its status and output."""
    launch = RunningLaunch(*arguments, folder=folder, env=env)
    status = launch.end()
    return status, launch.output


def wait_until_gone(mark: dict[str, str], seconds: float) -> list[int]:
    """Wait until no process carries the mark; return those that still do in the end."""
    until = time.monotonic() + seconds
    while (left := marked_processes(mark)) and time.monotonic() < until:
        time.sleep(0.05)
    return left
