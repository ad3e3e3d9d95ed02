"""One running process of a launch."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable
from typing import IO

from mentor_bringup.runner.output import Lines, Screen
from mentor_bringup.runner.plan import ProcessPlan

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def _follow_the_runner_into_death() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _follow_with_signals_blocked() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    _follow_the_runner_into_death()


def _blocks_signals(command: list[str]) -> bool:
    """Return whether a command's script begins by blocking signals, as our nodes do until they
    have handlers (setup/build.sh): they are to be blocked before it is loaded too."""
    try:
        with open(command[0], "rb") as script:
            return b"--block-signal" in script.readline(200)
    except OSError:
        return False


class Child:
    """A process in a group of its own, its output cut into prefixed lines."""

    def __init__(
        self,
        name: str,
        plan: ProcessPlan,
        screen: Screen,
        on_exit: Callable[[Child, int], None],
    ) -> None:
        self.name, self.command, self.patience = name, plan.command, plan.patience
        self.last_lines: deque[str] = deque(maxlen=20)
        self._on_exit = on_exit
        self._process = subprocess.Popen(
            plan.command,
            env=plan.env,
            cwd=plan.cwd,
            bufsize=0,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=(
                _follow_with_signals_blocked
                if _blocks_signals(plan.command)
                else _follow_the_runner_into_death
            ),
        )
        self.pid = self._process.pid
        self.returncode: int | None = None
        loop = asyncio.get_running_loop()
        self._streams: list[tuple[IO[bytes], Lines]] = []
        assert self._process.stdout and self._process.stderr
        for stream, shown in ((self._process.stdout, not plan.quiet), (self._process.stderr, True)):
            os.set_blocking(stream.fileno(), False)
            lines = Lines(f"[{name}] ", screen, self.last_lines, shown)
            self._streams.append((stream, lines))
            loop.add_reader(stream.fileno(), self._read, stream, lines)
        self._pidfd = os.pidfd_open(self.pid)
        loop.add_reader(self._pidfd, self._exited)

    def _read(self, stream: IO[bytes], lines: Lines) -> None:
        """Take what is there; at the end of the stream stop listening."""
        while True:
            data = stream.read(65536)
            if data:
                lines.feed(data)
                if len(data) == 65536:
                    continue
            elif data is not None:
                asyncio.get_running_loop().remove_reader(stream.fileno())
            return

    def _exited(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        for stream, lines in self._streams:
            self._read(stream, lines)
            lines.end()
            loop.remove_reader(stream.fileno())
            stream.close()
        self.returncode = self._process.wait()
        self._on_exit(self, self.returncode)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and to everything in its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
