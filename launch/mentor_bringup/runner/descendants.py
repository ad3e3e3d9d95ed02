"""Finds and ends every process that descends from a launch, also one that left its process group.

Each process that a launch starts carries a mark in its environment, which its children inherit.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from pathlib import Path

_VARIABLE = "MENTOR_LAUNCH"


def ending_signals() -> list[signal.Signals]:
    """Return the signals that end a launch; SIGHUP is not one where nohup has it ignored."""
    closed = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    return [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if closed else [])]


def new_mark() -> dict[str, str]:
    """Return the environment variable that marks the processes of one launch."""
    return {_VARIABLE: uuid.uuid4().hex}


def marked_processes(mark: dict[str, str]) -> list[int]:
    """Process ids that carry the mark and have not ended."""
    needle = f"{_VARIABLE}={mark[_VARIABLE]}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if needle in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
    return found


def send(processes: list[int], number: signal.Signals) -> None:
    """Send a signal to all of them; who has gone meanwhile is no error."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process, number)


def end_marked(mark: dict[str, str], patience: tuple[float, float] = (2.0, 1.0)) -> None:
    """End what carries the mark: SIGINT, SIGTERM, SIGKILL, with `patience` seconds between them."""
    for number, seconds in ((signal.SIGINT, patience[0]), (signal.SIGTERM, patience[1])):
        if not _gone_within(mark, number, seconds):
            continue
        return
    _gone_within(mark, signal.SIGKILL, 1.0)


def _gone_within(mark: dict[str, str], number: signal.Signals, seconds: float) -> bool:
    processes = marked_processes(mark)
    send(processes, number)
    until = time.monotonic() + seconds
    while processes and time.monotonic() < until:
        time.sleep(0.05)
        processes = marked_processes(mark)
    return not processes
