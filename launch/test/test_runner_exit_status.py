"""The launch's exit status is that of the process that ended it."""

from __future__ import annotations

from pathlib import Path

from running_launch import launch_file, run

SLEEPER = 'ExecuteProcess(cmd=["sleep", "1000"], name="sleeper"),'


def required(script: str) -> str:
    return f'ExecuteProcess(cmd=["bash", "-c", "{script}"], name="needed", on_exit=[Shutdown()]),'


def test_a_required_process_that_dies_ends_the_launch_with_its_status(tmp_path: Path) -> None:
    script = "for i in 1 2 3; do echo line $i; done; echo no camera 42 >&2; exit 7"
    status, output = run(launch_file(tmp_path, SLEEPER + required(script)), folder=tmp_path)
    assert status == 7
    last_lines = output[output.index("needed-2 ended the launch; its last lines:") :]
    assert "line 3" in last_lines
    assert "no camera 42" in last_lines


def test_a_required_process_that_is_killed_gives_128_and_the_signal(tmp_path: Path) -> None:
    status, output = run(launch_file(tmp_path, SLEEPER + required("kill -9 $$")), folder=tmp_path)
    assert status == 128 + 9
    assert "needed-2 ended the launch (killed by signal 9); it has printed nothing\n" in output


def test_a_launch_whose_last_process_has_died_says_so(tmp_path: Path) -> None:
    entities = 'ExecuteProcess(cmd=["bash", "-c", "exit 3"], name="lonely")'
    status, output = run(launch_file(tmp_path, entities), folder=tmp_path)
    assert status == 3
    assert "[lonely-1]: process has died [pid" in output


def test_a_process_that_cannot_be_started_ends_the_launch(tmp_path: Path) -> None:
    status, output = run(
        launch_file(tmp_path, SLEEPER + 'ExecuteProcess(cmd=["no_such_program"]),'), folder=tmp_path
    )
    assert status == 1
    assert "no_such_program" in output
