"""The end of a node's process: everything is put away, and nothing holds it."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest
from cell_process import CellProcess, fresh_namespace


@pytest.mark.usefixtures("in_a_terminal")
@pytest.mark.parametrize(
    ("status", "number", "stuck"),
    [
        (None, signal.SIGINT, False),
        (None, signal.SIGINT, True),
        (None, signal.SIGHUP, False),
        (0, None, False),
        (5, None, False),
        (5, None, True),
    ],
    ids=["sigint", "sigint_stuck", "closed_terminal", "0", "5", "5_stuck"],
)
def test_a_process_puts_everything_away_and_nothing_holds_it(
    status: int | None, number: signal.Signals | None, stuck: bool
) -> None:
    parameters = {"stuck": stuck} | ({} if status is None else {"status": status})
    with CellProcess("leaving_node.py", fresh_namespace(), **parameters) as node:
        assert node.says("left: ", 60), node.output
        if number is not None:
            assert node.end(number, 60) == 0
        else:
            assert node.process.wait(60) == status
        output = node.output
    found = re.search(r"left: (\d+) (\S+) \.", output)
    assert found is not None, output
    assert "without an end" in output and "said at the exit" in output
    assert not Path(found[2]).exists()
    until = time.monotonic() + 10
    while Path(f"/proc/{found[1]}").exists():
        assert time.monotonic() < until, "the child still runs"
        time.sleep(0.05)


def test_a_node_that_is_being_configured_ends_all_the_same(tmp_path: Path) -> None:
    fifo = tmp_path / "slow"
    os.mkfifo(fifo)  # which nobody writes: to open it takes without end
    arguments = ("--log-level", "debug")
    with CellProcess("plain_node.py", fresh_namespace(), *arguments, file=fifo) as node:
        assert node.says("parameters: {", 60), node.output
        assert node.end(signal.SIGINT, 10) == 0
        assert "Traceback" not in node.output


def test_a_node_that_is_to_start_again_does_not_after_a_signal() -> None:
    with CellProcess("anew_node.py", fresh_namespace()) as node:
        assert node.process.wait(60) == 0, node.output
        assert node.output.count("begun") == 1, node.output


def test_log_level_debug_shows_what_passes_the_node_and_not_the_client_library() -> None:
    with CellProcess("plain_node.py", fresh_namespace(), "--log-level", "debug") as node:
        assert node.says("activate: PlainNode.activate took", 60), node.output
        assert node.end(signal.SIGINT, 60) == 0
        output = node.output
    assert "parameters: {'autostart': True" in output and "'speed': 1.0" in output
    assert re.search(r"\[DEBUG\] \[\S+\] \[\S+\.plain\]: ", output), output
    assert "[rcl]:" not in output and "[rmw_fastrtps_cpp]:" not in output


@pytest.mark.parametrize("discovery", ["LOCALHOST", "SUBNET"])
def test_nobody_can_write_to_a_node_in_shared_memory(
    discovery: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", discovery)
    with CellProcess("plain_node.py", fresh_namespace(), "--log-level", "debug") as node:
        assert node.says("activate: PlainNode.activate took", 60), node.output
        mapped = Path(f"/proc/{node.process.pid}/maps").read_text()
    assert "libfastdds" in mapped and "fastdds_port" not in mapped


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may raise a priority")
def test_a_node_keeps_the_priority_that_it_was_given() -> None:
    with CellProcess("plain_node.py", fresh_namespace(), "--log-level", "debug") as node:
        os.setpriority(os.PRIO_PROCESS, node.process.pid, -5)  # as `nice -n -5` does
        assert node.says("activate: PlainNode.activate took", 60), node.output
        assert os.getpriority(os.PRIO_PROCESS, node.process.pid) == -5
