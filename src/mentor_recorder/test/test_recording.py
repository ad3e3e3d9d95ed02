"""A recording outlives a disk that refuses, and a kill costs at most the last second."""

from __future__ import annotations

import os
import random
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
        recording.put(Received("/reward", number.to_bytes(8, "little"), number + 1, 0, number))


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
    assert "recording has stopped, training goes on" in reports[0]
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
    assert len(reports) == 1 and "hardly any space" in reports[0]
    assert [m.sequence for m in Bag(tmp_path / "bag").messages()] == list(range(10))


def test_what_comes_faster_than_the_disk_takes_it_is_counted(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = Received("/reward", bytes(600_000), 1, 0, 0)
    monkeypatch.setattr(recording, "_drain", lambda: time.sleep(0.2))  # a slow disk
    time.sleep(0.1)
    recording.put(big)
    recording.put(big)
    assert recording.lost == 1


RECORDER = """
import sys, time
from pathlib import Path
from small_bags import bag_topic
from mentor_common.messages import topics
from mentor_common.bags.writer import Splitting
from mentor_recorder.recording.received import Received
from mentor_recorder.recording.recording import Recording
recording = Recording(
    Path(sys.argv[1]), Splitting(file_bytes=200_000), "zstd", 1 << 28, print
)
recording.add_topic(bag_topic(topics.REWARD))
random = open("/dev/urandom", "rb")
number = 0
while True:
    recording.put(Received("/reward", random.read(2000), time.time_ns(), 0, number))
    number += 1
    time.sleep(0.003)
"""


def kill_at_random(folder: Path, moments: int) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([p for p in sys.path if p])}
    draw = random.Random(7)
    for number in range(moments):
        bag_folder = folder / f"bag_{number}"
        process = subprocess.Popen([sys.executable, "-c", RECORDER, bag_folder], env=environment)
        assert eventually(lambda b=bag_folder: any(b.glob("*.mcap")))
        time.sleep(draw.uniform(0.0, 2.5))
        process.send_signal(signal.SIGKILL)
        killed = time.time_ns()
        process.wait()
        repair(bag_folder)
        bag = Bag(bag_folder)
        numbers = [message.sequence for message in bag.messages()]
        assert all(file.whole for file in bag.files)
        assert numbers == list(range(len(numbers))), "no hole"
        if numbers:
            # The flush comes each second; a busy machine may let its thread wait as long again.
            assert killed - bag.end < 3_000_000_000


def test_a_killed_recorder_loses_at_most_the_last_moments(tmp_path: Path) -> None:
    kill_at_random(tmp_path, 3)


@pytest.mark.soak
def test_a_recorder_killed_at_100_moments_loses_at_most_the_last_second(tmp_path: Path) -> None:
    kill_at_random(tmp_path, 100)
