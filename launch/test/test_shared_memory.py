"""Only what dead processes have left in shared memory is removed."""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import subprocess
import time
from pathlib import Path

import pytest
from running_launch import LAUNCHERS, Launcher, launch_file, run

from mentor_bringup import shared_memory
from mentor_bringup.shared_memory import remove_leftovers


def leave(folder: Path, name: str, *more: str, age: float = 100.0) -> set[str]:
    """Write a file of shared memory and those beside it, which nobody holds."""
    for file in (name, *more):
        (folder / file).write_bytes(bytes(8192 if file == name else 0))
        os.utime(folder / file, (time.time() - age,) * 2)
    return {name, *more}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_nobody_holds_is_removed_and_all_else_stays(tmp_path: Path) -> None:
    leave(tmp_path, "fastdds_00aa", "fastdds_00aa_el")
    leave(tmp_path, "fastdds_port7411", "fastdds_port7411_sl", "sem.fastdds_port7411_mutex")
    held = leave(tmp_path, "fastdds_00bb", "fastdds_00bb_el")
    young = leave(tmp_path, "fastdds_00cc", "fastdds_00cc_el", age=-100.0)
    (tmp_path / "psm_of_another_program").touch()
    with (tmp_path / "fastdds_00bb_el").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        count, size = remove_leftovers(tmp_path)
        assert names(tmp_path) == held | young | {"psm_of_another_program"}
    assert count == 5 and size >= 2 * 8192
    remove_leftovers(tmp_path)
    assert names(tmp_path) == young | {"psm_of_another_program"}


def test_what_another_user_has_left_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = leave(tmp_path, "fastdds_00dd", "fastdds_00dd_el")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert remove_leftovers(tmp_path) == (0, 0)
    assert names(tmp_path) == left


@pytest.mark.parametrize("launcher", LAUNCHERS, ids=lambda launcher: launcher.name)
def test_a_launch_file_removes_leftovers_before_its_first_process(
    tmp_path: Path, launcher: Launcher
) -> None:
    """`ros2 launch` runs launch files without our runner, so the files themselves do it."""
    name = f"fastdds_left{os.getpid()}"
    before = f"""
        import os
        from mentor_bringup.description import part

        def leave(_):
            for file in ("/dev/shm/{name}", "/dev/shm/{name}_el"):
                open(file, "w").close()
                os.utime(file, (0, 0))
    """
    processes = """
        OpaqueFunction(function=leave),
        part("every_node"),
        ExecuteProcess(cmd=["ls", "/dev/shm"], output="screen"),
    """
    file = launch_file(tmp_path, processes, before=before)
    status, output = run(file, folder=tmp_path, launcher=launcher)
    assert status == 0 and "[ls-1]: process started" in output
    assert name not in output


def test_a_port_without_a_lock_stays_only_while_a_process_maps_it(tmp_path: Path) -> None:
    """Whoever writes to a port holds no lock; once unlinked, it would not reach the next reader."""
    leave(tmp_path, "fastdds_port7413", "sem.fastdds_port7413_mutex")
    mapped = leave(tmp_path, "fastdds_port7415", "fastdds_port7415_el")
    with (tmp_path / "fastdds_port7415").open("r+b") as file, mmap.mmap(file.fileno(), 0):
        assert remove_leftovers(tmp_path)[0] == 2
        assert names(tmp_path) == mapped
    remove_leftovers(tmp_path)
    assert names(tmp_path) == set()


def test_a_port_that_is_opened_while_leftovers_are_sought_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever begins may open a leftover again after the maps of its process were read."""
    held = leave(tmp_path, "fastdds_port7417", "fastdds_port7417_el", "sem.fastdds_port7417_mutex")
    mutex = tmp_path / "sem.fastdds_port7417_mutex"
    mutex.write_bytes((1).to_bytes(32, "little"))  # a free semaphore
    _age(mutex)
    opened: list[mmap.mmap] = []

    def read_maps_first(folder: Path, own_mutexes: bool = True) -> set[str]:
        found = mapped(folder, own_mutexes)
        if own_mutexes:
            with (tmp_path / "fastdds_port7417").open("r+b") as file:
                opened.append(mmap.mmap(file.fileno(), 0))
        else:  # the mutex is held: nobody opens the port from here on
            assert mutex.read_bytes()[0] == 0
        return found

    mapped = shared_memory._mapped
    monkeypatch.setattr(shared_memory, "_mapped", read_maps_first)
    remove_leftovers(tmp_path)
    assert names(tmp_path) == held
    assert mutex.read_bytes()[0] == 1, "whoever waits for the mutex gets it"
    opened.pop().close()
    monkeypatch.undo()
    _age(mutex)  # on a disk, unlike in shared memory, a mapped file that is written to is young
    assert remove_leftovers(tmp_path)[0] == 3


def test_a_live_participant_keeps_its_memory_and_a_killed_one_loses_it() -> None:
    folder = Path("/dev/shm")
    before = names(folder)
    script = "import rclpy; rclpy.init(); n = rclpy.create_node('n'); print(1, flush=True); input()"
    with subprocess.Popen(
        ["python", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdout.readline()
        pid = str(process.pid)
        mine = {n for n in names(folder) - before if _maps(pid, n)}
        assert mine, "the client library uses shared memory"
        for file in names(folder):
            if any(name in file for name in mine):
                _age(folder / file)
        remove_leftovers()
        assert mine <= names(folder)
        process.kill()
    until = time.monotonic() + 60.0
    while mine & names(folder) and time.monotonic() < until:  # another launch may be at them
        remove_leftovers()
    assert not mine & names(folder)


def _maps(process: str, name: str) -> bool:
    return f"/dev/shm/{name}" in Path(f"/proc/{process}/maps").read_text()


def _age(path: Path) -> None:
    """Make a file older than what may be about to be locked."""
    with contextlib.suppress(FileNotFoundError):
        os.utime(path, (time.time() - 100.0,) * 2)
