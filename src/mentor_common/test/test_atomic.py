"""A file is written whole or left as it was, and a locked folder has one owner."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mentor_common.files.atomic import replaced, write_atomically
from mentor_common.files.lock import LockedError, take_lock, write_owner


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["file.json"]


def test_two_writers_of_one_file_do_not_share_the_temporary_name(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with replaced(path, many_writers=True) as first:
        first.write_text("first")
        with replaced(path) as second:
            second.write_text("second")
        assert path.read_text() == "second"
    assert path.read_text() == "first" and os.listdir(tmp_path) == ["state"]


@pytest.mark.parametrize("error", [OSError("disk full"), ValueError("bad"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_file_as_it_was(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "file.csv"
    path.write_text("as it was")
    with pytest.raises(type(error)), replaced(path) as temporary:
        temporary.write_text("half of")
        assert path.read_text() == "as it was"
        raise error
    assert path.read_text() == "as it was" and os.listdir(tmp_path) == ["file.csv"]


HOLD = """
import sys
from pathlib import Path
from mentor_common.files.lock import take_lock, write_owner
write_owner(take_lock(Path(sys.argv[1])))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_lock_names_its_owner_and_ends_with_it_even_by_force(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None and owner.stdout.readline() == b"held\n"
        with pytest.raises(LockedError, match=str(owner.pid)):
            take_lock(path)
        owner.kill()
    os.close(take_lock(path))


def test_taking_a_lock_leaves_its_file_as_it_is_until_the_owner_is_written(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("17")
    descriptor = take_lock(path)
    assert path.read_text() == "17"
    write_owner(descriptor)
    assert path.read_text() == str(os.getpid())
    os.close(descriptor)
