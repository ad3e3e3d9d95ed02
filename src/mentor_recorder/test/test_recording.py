"""A recording outlives a disk that refuses, and a kill costs at most the last second."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_bags import bag_topic

from mentor_common.bags import writer as bag_writer
from mentor_common.bags.reader import Bag
from mentor_common.bags.writer import Splitting
from mentor_common.messages import topics
from mentor_recorder.bags.repair import repair
from mentor_recorder.recording import recording as recording_module
from mentor_recorder.recording.received import Received
from mentor_recorder.recording.recording import Recording


@pytest.fixture
def reports() -> list[str]:
    return []


@pytest.fixture
def recording(
    tmp_path: Path, reports: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Recording]:
    monkeypatch.setattr(recording_module, "FLUSH_PERIOD", 0.05)
    monkeypatch.setattr(recording_module, "RETRY_PERIOD", 0.3)
    made = Recording(
        tmp_path / "bag", Splitting(), "zstd", 1 << 20, lambda text, bad: reports.append(text)
    )
    made.add_topic(bag_topic(topics.REWARD))
    yield made
    made.close()


def feed(recording: Recording, numbers: range) -> None:
    for number in numbers:
        recording.put([Received("/reward", number.to_bytes(8, "little"), number + 1, 0, number)])


def readable(folder: Path) -> int:
    """Return how many messages a bag has, 0 before there is one."""
    return sum(Bag(folder).counts.values()) if any(folder.glob("*.mcap")) else 0


def eventually(look: object, seconds: float = 30.0) -> bool:
    assert callable(look)
    until = time.monotonic() + seconds
    while time.monotonic() < until and not look():
        time.sleep(0.01)
    return bool(look())


def test_a_removed_bag_is_named_and_recording_goes_on_in_another(
    recording: Recording, reports: list[str], tmp_path: Path
) -> None:
    feed(recording, range(10))
    assert eventually(lambda: readable(tmp_path / "bag") == 10)
    shutil.rmtree(tmp_path / "bag")
    assert eventually(lambda: recording.problem)
    feed(recording, range(10, 15))
    assert eventually(lambda: recording.lost >= 5)
    assert eventually(lambda: not recording.problem)
    feed(recording, range(15, 20))
    recording.close()
    assert "recording has stopped, training continues" in reports[0]
    assert "the file was removed" in reports[0]
    assert "5 messages are in no bag" in reports[1] and len(reports) == 2
    assert [m.sequence for m in Bag(recording.path).messages()] == [15, 16, 17, 18, 19]


def test_a_full_disk_ends_the_recording_and_keeps_what_is_there(
    recording: Recording, reports: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(recording, range(10))
    assert eventually(lambda: recording.messages == 10)
    monkeypatch.setattr(bag_writer, "RESERVE_BYTES", 1 << 62)
    assert eventually(lambda: recording.problem)
    feed(recording, range(10, 20))
    assert eventually(lambda: recording.lost == 10)
    time.sleep(1.0)  # it tries again three times
    assert len(reports) == 1 and "hardly any space" in reports[0]
    assert [m.sequence for m in Bag(tmp_path / "bag").messages()] == list(range(10))
    assert [path.name for path in tmp_path.iterdir()] == ["bag"], "a trial leaves nothing behind"
    monkeypatch.setattr(bag_writer, "RESERVE_BYTES", 0)
    assert eventually(lambda: not recording.problem)
    assert recording.path == tmp_path / "bag-2"


def test_a_write_that_fails_half_way_costs_what_was_not_flushed_and_that_is_counted(
    recording: Recording, reports: list[str], tmp_path: Path
) -> None:
    """The kernel refuses to write on, as on a full disk: the file is cut off anywhere."""
    feed(recording, range(10))
    assert eventually(lambda: recording.messages == 10 and readable(tmp_path / "bag") == 10)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        for number in range(10, 20):
            data = os.urandom(30_000)
            recording.put([Received("/reward", data, number + 1, 0, number)])
        assert eventually(lambda: recording.problem)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert eventually(lambda: not recording.problem)
    feed(recording, range(20, 25))
    recording.close()
    kept = [m.sequence for m in Bag(tmp_path / "bag").messages()]
    assert kept == list(range(len(kept))) and 10 <= len(kept) < 20
    assert recording.lost == 20 - len(kept)
    assert f"{recording.lost} messages are in no bag" in reports[1] and len(reports) == 2
    assert "File too large" in reports[0]
    assert [m.sequence for m in Bag(recording.path).messages()] == list(range(20, 25))


def test_what_comes_faster_than_the_disk_takes_it_is_counted(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = Received("/reward", bytes(600_000), 1, 0, 0)
    monkeypatch.setattr(recording, "_drain", lambda: time.sleep(0.2))  # a slow disk
    time.sleep(0.1)
    recording.put([big, big])
    assert recording.lost == 1


RECORDERS = """
import os, sys, time
from pathlib import Path
from small_bags import bag_topic
from mentor_common.messages import topics
from mentor_common.bags.writer import Splitting
from mentor_recorder.recording.received import Received
from mentor_recorder.recording.recording import Recording

def record(folder):
    recording = Recording(Path(folder), Splitting(file_bytes=400_000), "zstd", 1 << 28, print)
    recording.add_topic(bag_topic(topics.REWARD))
    number, pixels = 0, os.urandom(19_000)
    while True:
        recording.put([Received("/reward", pixels, time.time_ns(), 0, number)])
        number += 1
        time.sleep(0.01)

for line in sys.stdin:
    process = os.fork()
    if not process:
        record(line.strip())
    print(process, flush=True)
"""
"""Forks a recorder into each folder that it is given: a kill does not cost the imports anew."""
BESIDE = 4
"""Recorders that run at once."""


def kill_at_random(folder: Path, moments: int) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([p for p in sys.path if p])}
    draw, parent = random.Random(7), subprocess.Popen(
        [sys.executable, "-c", RECORDERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env=environment,
    )  # fmt: skip
    assert parent.stdin is not None and parent.stdout is not None
    for first in range(0, moments, BESIDE):
        kills: list[tuple[float, int, Path]] = []
        for number in range(first, min(first + BESIDE, moments)):
            bag = folder / f"bag_{number}"
            parent.stdin.write(f"{bag}\n")
            parent.stdin.flush()
            process = int(parent.stdout.readline())
            assert eventually(lambda b=bag: any(b.glob("*.mcap")))
            kills.append((time.time() + draw.uniform(0.0, 2.5), process, bag))
        for moment, process, bag in sorted(kills):
            time.sleep(max(0.0, moment - time.time()))
            os.kill(process, signal.SIGKILL)
            check_what_is_left(bag, time.time_ns())
    parent.kill()
    parent.wait()


def check_what_is_left(folder: Path, killed: int) -> None:
    began = min(file.stat().st_mtime_ns for file in [folder, *folder.glob("*_0.mcap")])
    repair(folder)
    bag = Bag(folder)
    numbers = [message.sequence for message in bag.messages()]
    assert all(file.whole for file in bag.files)
    assert numbers == list(range(len(numbers))), "no hole"
    last = bag.end if numbers else began
    assert killed - last < 1_000_000_000, f"{len(numbers)} messages, {len(bag.files)} files"


@pytest.mark.real_time
def test_a_killed_recorder_loses_less_than_the_last_second(tmp_path: Path) -> None:
    kill_at_random(tmp_path, 8)


@pytest.mark.soak
@pytest.mark.real_time
def test_a_recorder_killed_at_100_moments_loses_less_than_the_last_second(tmp_path: Path) -> None:
    kill_at_random(tmp_path, 100)
