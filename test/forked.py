"""Processes that begin as a copy of one that has imported what takes long.

``import torch`` costs three seconds of a processor, and the tests start some hundred nodes, of
which half need it. So one process for each test process imports it, and every node is forked from
there. It has its own process id, signals, output and end, as one that a shell starts.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PRELOADED = ("torch", "gymnasium", "rclpy.action", "mentor_policy.training.trainer")

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(list(PRELOADED))


class ForkedProcess:
    """``main()`` of a module in a process of its own, with the interface of `subprocess.Popen`.

    Args:
        module: the module, which may stand in one of ``paths``.
        arguments: its command line.
        output: file to which it adds what it says.
        environment: all of its environment variables; None: those of this process.
        paths: folders in which modules are looked for first.
    """

    def __init__(
        self,
        module: str,
        arguments: list[str],
        output: Path,
        environment: dict[str, str] | None = None,
        paths: Sequence[str] = (),
    ) -> None:
        given = (module, arguments, str(output), dict(environment or os.environ), list(paths))
        self.output = output
        self._process = _context.Process(target=_run, args=given)
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """Return its exit status; None while it runs, and -9 after a kill -9."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; return its exit status.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM, if it still runs."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9, if it still runs."""
        self.send_signal(signal.SIGKILL)


def _run(
    module: str, arguments: list[str], output: str, environment: dict[str, str], paths: list[str]
) -> None:
    log = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["-c", *arguments]
    sys.path[:0] = paths
    sys.exit(importlib.import_module(module).main())
