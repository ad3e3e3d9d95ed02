"""A node of a test in a process of its own, in a namespace that no other test uses."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_numbers = itertools.count()


def fresh_namespace() -> str:
    return f"/cell_{os.getpid()}_{next(_numbers)}"


def end_gently(process: Any) -> None:
    """End a process as Ctrl-C does, and by force if that takes long.

    Whoever is killed stays in the graph until its lease (3 s) ends.
    """
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(20.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class CellProcess:
    """``python <script> --ros-args ...`` with the given parameters; a context manager."""

    def __init__(self, script: str, namespace: str, *ros_args: str, **parameters: Any) -> None:
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        command = [sys.executable, str(Path(__file__).with_name(script)), "--ros-args"]
        command += ["-r", f"__ns:={namespace}", *ros_args]
        for name, value in parameters.items():
            command += [
                "-p",
                f"{name}:={str(value).lower() if value is True or value is False else value}",
            ]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)

    def __enter__(self) -> CellProcess:
        return self

    def __exit__(self, *error: object) -> None:
        end_gently(self.process)
        self.log.close()

    @property
    def output(self) -> str:
        self.log.seek(0)
        return self.log.read()

    def end(self, number: signal.Signals, seconds: float = 60.0) -> int:
        """Sends the signal and returns the exit status."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def says(self, text: str, seconds: float = 60.0) -> bool:
        """Waits until the output holds the text."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if text in self.output:
                return True
            time.sleep(0.05)
        return False
