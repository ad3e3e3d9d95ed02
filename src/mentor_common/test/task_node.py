"""A node of the cable task in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mentor_common.tasks.task import load_task

TASK_FILE = Path(__file__).parents[3] / "launch" / "tasks" / "cable_routing.yaml"
TASK = load_task(TASK_FILE)


@contextmanager
def task_node(module: str, **parameters: object) -> Iterator[subprocess.Popen[bytes]]:
    """``python -m <module>`` with the task and these parameters."""
    arguments = ["--ros-args", "-p", f"task:={TASK_FILE}"]
    for name, value in parameters.items():
        arguments += ["-p", f"{name}:={value}"]
    process = subprocess.Popen([sys.executable, "-m", module, *arguments])
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        finally:
            process.kill()
