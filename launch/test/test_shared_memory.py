"""Only what dead processes have left in shared memory is removed."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from pathlib import Path

from mentor_bringup.shared_memory import remove_leftovers


def leave(folder: Path, name: str, lock: str, age: float = 100.0) -> set[str]:
    """Write a file of shared memory and its lock file, which nobody holds."""
    (folder / name).write_bytes(bytes(8192))
    (folder / f"{name}{lock}").touch()
    os.utime(folder / f"{name}{lock}", (time.time() - age,) * 2)
    return {name, f"{name}{lock}"}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_nobody_holds_is_removed_and_all_else_stays(tmp_path: Path) -> None:
    leave(tmp_path, "fastdds_00aa", "_el")
    leave(tmp_path, "fastdds_port7411", "_sl")
    (tmp_path / "sem.fastdds_port7411_mutex").touch()
    held = leave(tmp_path, "fastdds_00bb", "_el")
    young = leave(tmp_path, "fastdds_00cc", "_el", age=1.0)
    (tmp_path / "psm_of_another_program").touch()
    with (tmp_path / "fastdds_00bb_el").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        count, size = remove_leftovers(tmp_path)
        assert names(tmp_path) == held | young | {"psm_of_another_program"}
    assert count == 5 and size >= 2 * 8192
    remove_leftovers(tmp_path)
    assert names(tmp_path) == young | {"psm_of_another_program"}


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
        for name in mine:
            _age(folder / f"{name}_el")
        remove_leftovers()
        assert mine <= names(folder)
        process.kill()
    remove_leftovers()
    left = {n for n in mine & names(folder) if (folder / f"{n}_el").exists()}
    assert left == set()


def _maps(process: str, name: str) -> bool:
    return f"/dev/shm/{name}" in Path(f"/proc/{process}/maps").read_text()


def _age(path: Path) -> None:
    """Make a file older than what may be about to be locked."""
    if path.exists():
        os.utime(path, (time.time() - 100.0,) * 2)
