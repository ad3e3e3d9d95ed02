"""K bridges in K processes under K namespaces, for one agent that drives all of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

SECONDS_TO_STOP = 5.0


class BridgeFleet:
    """Starts bridge processes, and stops them at the end of a ``with`` block.

    The namespaces are ``<namespace>_0`` to ``<namespace>_<count - 1>``.

    Args:
        environment: gymnasium id.
        count: how many.
        namespace: their common prefix, e.g. ``/sim``.
        parameters: further parameters of the bridge node, e.g. ``{"action_repeat": 4}``;
            dictionaries are written as JSON.
        remappings: further ``from:=to`` rules.

    Raises:
        ValueError: count is below 1.
    """

    def __init__(
        self,
        environment: str,
        count: int = 1,
        namespace: str = "/sim",
        parameters: dict[str, Any] | None = None,
        remappings: tuple[str, ...] = (),
    ) -> None:
        if count < 1:
            raise ValueError(f"count is {count}, must be at least 1")
        stem = "/" + namespace.strip("/")
        self.namespaces = [f"{stem}_{i}" for i in range(count)]
        values = {"environment": environment, **(parameters or {})}
        self._arguments = ["--ros-args"]
        for name, value in values.items():
            text = json.dumps(json.dumps(value)) if isinstance(value, dict) else json.dumps(value)
            self._arguments += ["-p", f"{name}:={text}"]
        for rule in remappings:
            self._arguments += ["-r", rule]
        self.processes: list[subprocess.Popen[bytes]] = []
        for namespace in self.namespaces:
            self.processes.append(self._start(namespace))

    def _start(self, namespace: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "mentor_sim_bridge.nodes.benchmark_bridge"]
        # Each simulator uses one thread, and leaves the other cores to the other simulators.
        env = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
        return subprocess.Popen([*command, *self._arguments, "-r", f"__ns:={namespace}"], env=env)

    def restart(self, index: int) -> None:
        """Start a bridge whose process has ended again."""
        self.processes[index].wait(SECONDS_TO_STOP)
        self.processes[index] = self._start(self.namespaces[index])

    def wait(self) -> int:
        """Wait until the first process ends; return its exit status."""
        pid_of = {process.pid: process for process in self.processes}
        while True:
            pid, status = os.wait()
            if pid in pid_of:
                code = os.waitstatus_to_exitcode(status)
                pid_of[pid].returncode = code
                return code

    def stop(self) -> None:
        """End all processes: SIGINT, then SIGKILL after SECONDS_TO_STOP."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in self.processes:
            try:
                process.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def __enter__(self) -> BridgeFleet:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
