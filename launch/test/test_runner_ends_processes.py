"""Whatever ends a launch, none of its processes is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from running_launch import RUNNER, Launcher, RunningLaunch, launch_file, wait_until_gone

from mentor_bringup.runner.descendants import marked_processes

CHILDREN = {
    "parent": "sleep 1000 & echo parent ready; wait",
    "runaway": "setsid sleep 1000 & echo runaway ready; wait",
    "stubborn": "trap '' INT TERM; echo stubborn ready; while true; do sleep 1; done",
}
FAMILY = "\n".join(
    f'ExecuteProcess(cmd=["bash", "-c", "{script}"], name="{name}", output="screen"),'
    for name, script in CHILDREN.items()
)


def start_family(folder: Path) -> tuple[RunningLaunch, dict[str, str]]:
    """Start children of children, one that left its group and one that heeds no signal."""
    launch = RunningLaunch(launch_file(folder, FAMILY), folder=folder)
    for name in CHILDREN:
        launch.wait_for(f"{name} ready")
    mark = launch.mark()
    assert len(marked_processes(mark)) >= 5
    return launch, mark


@pytest.mark.real_time
@pytest.mark.usefixtures("in_a_terminal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_every_process_within_5_s(tmp_path: Path, number: signal.Signals) -> None:
    launch, mark = start_family(tmp_path)
    began = time.monotonic()
    assert launch.end(number) == 128 + number
    assert time.monotonic() - began < 5.0
    assert marked_processes(mark) == []


@pytest.mark.real_time
def test_the_runner_killed_outright_leaves_none(tmp_path: Path) -> None:
    launch, mark = start_family(tmp_path)
    launch.end(signal.SIGKILL)
    assert wait_until_gone(mark, seconds=8.0) == []


@pytest.mark.real_time
def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    launch, mark = start_family(tmp_path)
    for _ in range(3):
        launch.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    launch.end(seconds=2.5)
    assert marked_processes(mark) == []


CONTAINER = ("unshare", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child")
"""Runs a command as the first process of a namespace, as a container does.

The kernel ignores what would end such a process unless it handles the signal, and kills all others
as soon as it has ended.
"""


def test_the_first_process_of_a_container_waits_until_its_nodes_have_saved(tmp_path: Path) -> None:
    if not shutil.which(CONTAINER[0]) or subprocess.run([*CONTAINER, "true"]).returncode:
        pytest.skip("this user may not make namespaces")
    saver = (
        "trap 'sleep 0.5; echo saved; exit' INT; echo saver ready; while true; do sleep 0.1; done"
    )
    entity = f'ExecuteProcess(cmd=["bash", "-c", "{saver}"], name="saver", output="screen")'
    first = Launcher("container", (*CONTAINER, *RUNNER.command), RUNNER.gives_status)
    launch = RunningLaunch(launch_file(tmp_path, entity), folder=tmp_path, launcher=first)
    launch.wait_for("saver ready")
    outside = launch.process.pid
    inside = int(Path(f"/proc/{outside}/task/{outside}/children").read_text())
    os.kill(inside, signal.SIGTERM)  # as `docker stop` does
    assert launch.end() == 128 + signal.SIGTERM
    assert "saved" in launch.output


def test_a_launch_under_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    path = launch_file(tmp_path, 'ExecuteProcess(cmd=["sleep", "1000"], name="sleeper")')
    nohup = Launcher("nohup", ("nohup", *RUNNER.command), RUNNER.gives_status)
    launch = RunningLaunch(path, folder=tmp_path, launcher=nohup)
    launch.wait_for("[sleeper-1]: process started")
    launch.process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert "ending" not in launch.output
    assert launch.end(signal.SIGINT) == 128 + signal.SIGINT
    assert "SIGINT: ending 1 processes" in launch.output


def test_a_ctrl_c_while_a_launch_ends_by_itself_kills_nobody(tmp_path: Path) -> None:
    saves = "trap : TERM; trap 'echo saves; sleep 0.7; echo saved; exit 0' INT; "
    saves += "while :; do sleep 0.1; done"
    entities = (
        f'ExecuteProcess(cmd=["bash", "-c", "{saves}"], name="saver", output="screen"),'
        'ExecuteProcess(cmd=["sleep", "0.5"], name="needed", on_exit=[Shutdown()]),'
    )
    launch = RunningLaunch(launch_file(tmp_path, entities), folder=tmp_path)
    launch.wait_for("saves")
    assert launch.end(signal.SIGINT) == 0
    assert "[saver-1] saved" in launch.output and "SIGKILL" not in launch.output


def test_a_ctrl_c_while_the_last_descendants_are_ended_interrupts_nothing(tmp_path: Path) -> None:
    stays = "setsid bash -c 'trap : INT TERM; while :; do sleep 1; done' & sleep 0.3"
    path = launch_file(tmp_path, f'ExecuteProcess(cmd=["bash", "-c", "{stays}"], name="parent")')
    launch = RunningLaunch(path, folder=tmp_path)
    launch.wait_for("[parent-1]: process has finished cleanly")
    time.sleep(0.1)
    assert launch.end(signal.SIGINT) == 0
    assert "Traceback" not in launch.output


def test_a_script_that_blocks_signals_at_its_start_is_loaded_with_them_blocked(
    tmp_path: Path,
) -> None:
    """A Ctrl-C while it is loaded would end it with status -2, before it could end quietly."""
    script = tmp_path / "node"
    script.write_text("#!/usr/bin/env -S grep -e SigBlk -e --block-signal /proc/self/status\n")
    script.chmod(0o755)
    entities = f'ExecuteProcess(cmd=["{script}"], name="node", output="screen", on_exit=Shutdown())'
    launch = RunningLaunch(launch_file(tmp_path, entities), folder=tmp_path)
    launch.wait_for("SigBlk")
    launch.end()
    blocked = int(launch.output.split("SigBlk:")[1].split()[0], 16)
    assert all(blocked >> (number - 1) & 1 for number in (signal.SIGINT, signal.SIGTERM))
