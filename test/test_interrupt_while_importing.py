"""Ctrl-C while a node or a command still imports ends it without a traceback."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ament_index_python.packages import get_package_prefix
from node_process import eventually

NODE = str(Path(get_package_prefix("mentor_policy")) / "lib" / "mentor_policy" / "policy_node")
COMMAND = [sys.executable, "-m", "mentor_policy", "info", "/nowhere"]


@pytest.fixture
def start() -> Iterator[Callable[[list[str]], subprocess.Popen[str]]]:
    """Starts a command as a terminal does, with SIGINT not ignored; ends what a test leaves."""
    started: list[subprocess.Popen[str]] = []

    def popen(command: list[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        started.append(process)
        return process

    yield popen
    for process in started:
        process.kill()
        process.wait()


Start = Callable[[list[str]], subprocess.Popen[str]]


@pytest.mark.usefixtures("in_a_terminal")
@pytest.mark.parametrize(
    ("command", "number", "status"),
    [
        ([NODE], signal.SIGINT, 0),
        ([NODE], signal.SIGTERM, 0),
        ([NODE], signal.SIGHUP, 0),
        (COMMAND, signal.SIGINT, 130),
    ],
    ids=["node", "node_sigterm", "node_closed_terminal", "command"],
)
def test_it_ends_without_a_word(start: Start, command: list[str], number: int, status: int) -> None:
    process = start(command)
    maps = Path(f"/proc/{process.pid}/maps")
    assert eventually(lambda: "numpy" in maps.read_text()), "it imports nothing"
    process.send_signal(number)
    assert process.communicate(timeout=60)[0] == ""
    assert process.returncode == status


def test_a_node_started_in_the_background_of_a_script_still_ends_on_sigterm() -> None:
    """A shell without job control has SIGINT ignored there."""
    process = subprocess.Popen(
        [NODE],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    maps = Path(f"/proc/{process.pid}/maps")
    assert eventually(lambda: "numpy" in maps.read_text()), "it imports nothing"
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) in (0, -signal.SIGTERM)


def test_a_node_ends_so_from_its_first_moment_on(start: Start) -> None:
    for delay in (0.0, 0.01, 0.02, 0.04, 0.08):
        process = start([NODE])
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[0] == ""
        # Until the loader has begun, the signal ends it as any process.
        assert process.returncode in (0, -signal.SIGINT)
