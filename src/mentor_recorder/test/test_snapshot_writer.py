"""The last minutes as a bag: newest first, so that an end in the midst does not cost the fault."""

from __future__ import annotations

import math
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rosbags.highlevel import AnyReader
from small_bags import bag_topic

from mentor_common.bags import writer as bag_writer
from mentor_common.bags.metadata import read_metadata
from mentor_common.bags.reader import Bag
from mentor_common.messages import topics
from mentor_common.node.cell_node import WORKERS_END
from mentor_recorder.bags.check import check
from mentor_recorder.nodes.recorder_node import RecorderNode
from mentor_recorder.recording import snapshot_writer
from mentor_recorder.recording.last_minutes import LastMinutes
from mentor_recorder.recording.received import Received
from mentor_recorder.recording.snapshot_writer import SnapshotWriter

IMAGE, LATCHED = topics.camera_image("side"), topics.ROBOT_DESCRIPTION
TOPICS = {topic.name: topic for topic in map(bag_topic, (IMAGE, LATCHED))}
IMAGES, DESCRIPTION = f"/{IMAGE.name}", f"/{LATCHED.name}"


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_writer, "FIRST_BYTES", 1000)
    monkeypatch.setattr(snapshot_writer, "PART_BYTES", 4000)


def snapshot(images: int) -> list[Received]:
    """Return a robot description that was published once, early, and images of 500 bytes."""
    ring = LastMinutes(1000.0, 1 << 30)
    ring.topics.update(TOPICS)
    for number in range(images):
        ring.put(Received(IMAGES, bytes(500), 1000 + number, 0, number))
        if number == 2:
            ring.put(Received(DESCRIPTION, b"a robot", 1003, 0, 0))
    return ring.snapshot()


def writer(folder: Path, images: int = 40) -> SnapshotWriter:
    records = {"mentor": {"fault": '"cable torn"', "parameters": '{"/arm": {"speed": 0.5}}'}}
    return SnapshotWriter(folder, snapshot(images), TOPICS, records)


def read_by_others(folder: Path) -> list[tuple[str, int]]:
    with AnyReader([folder]) as reader:
        return [(connection.topic, stamp) for connection, stamp, _ in reader.messages()]


def test_a_snapshot_is_read_back_in_the_order_of_its_coming(tmp_path: Path) -> None:
    made = writer(tmp_path / "bag")
    made.run()
    assert made.answer() == (True, f"the last 41 messages are in {tmp_path / 'bag'}")
    bag, expected = Bag(tmp_path / "bag"), snapshot(40)
    assert len(bag.files) > 3 and check(bag).problems == []
    found = [Received(m.topic, m.data, m.log_time, 0, m.sequence) for m in bag.messages()]
    assert found == expected
    assert read_by_others(tmp_path / "bag") == [(m.topic, m.log_time) for m in expected]
    assert bag.record("mentor", "fault") == "cable torn"
    assert "speed: 0.5" in (tmp_path / "bag" / "parameters" / "arm.yaml").read_text()
    again = writer(tmp_path / "bag")
    again.run()
    assert again.answer() == (True, f"the last 41 messages are in {tmp_path / 'bag-2'}")


def test_an_empty_snapshot_is_a_bag_too(tmp_path: Path) -> None:
    made = SnapshotWriter(tmp_path / "bag", [], TOPICS, {})
    made.run()
    assert made.answer()[0] and list(Bag(tmp_path / "bag").messages()) == []


@pytest.mark.parametrize("calls", [0, 20, 40])
def test_when_the_time_is_up_the_newest_messages_are_in_a_whole_bag(
    tmp_path: Path, calls: int
) -> None:
    """The time ends before the first part, or in the midst of a later one."""
    made, asked = writer(tmp_path / "bag"), 0

    def until() -> float:
        nonlocal asked
        asked += 1
        return math.inf if asked <= calls else time.monotonic() - 1.0

    made.run(until)
    bag = Bag(tmp_path / "bag")
    found = [(m.topic, m.log_time) for m in bag.messages()]
    images = [stamp for topic, stamp in found if topic == IMAGES]
    assert 2 <= len(images) < 40, "the newest part is written in any case"
    assert images == list(range(1040 - len(images), 1040)), "the newest, without a gap"
    assert found[0] == (DESCRIPTION, 1003), "published once: without it nobody can draw the arm"
    assert check(bag).problems == [] and bag.record("mentor", "fault") == "cable torn"
    assert read_by_others(tmp_path / "bag") == found
    good, text = made.answer()
    assert good and text.startswith(f"the newest {len(found)} of 41 messages are in {bag.path}; ")


def test_a_kill_leaves_the_newest_messages_in_whole_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = writer(tmp_path / "bag")
    monkeypatch.setattr(made, "_give_up", lambda file: file.flush())  # as if nobody were there

    def until() -> float:
        if made.written >= 6:
            raise KeyboardInterrupt
        return math.inf

    with pytest.raises(KeyboardInterrupt):
        made.run(until)
    bag = Bag(tmp_path / "bag")
    assert bag.files[-1].whole and bag.files[-1].end == 1039
    stamps = [m.log_time for m in bag.messages([IMAGES])]
    assert stamps == sorted(stamps), "the files are listed in the order of time"


def test_a_folder_that_cannot_be_made_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    made = writer(tmp_path / "file" / "bag")
    assert made.answer() == (
        True, f"the last 41 messages are being written to a new bag in {tmp_path / 'file'}"
    )  # fmt: skip
    made.run()
    good, text = made.answer()
    assert not good and text.startswith("the last minutes are lost: bag ")
    assert "Not a directory" in text


@pytest.mark.parametrize("parts", [0, 2])
def test_a_disk_that_fills_keeps_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: int
) -> None:
    made, left = writer(tmp_path / "bag"), parts

    def require_room(path: Path) -> None:
        nonlocal left
        monkeypatch.setattr(bag_writer, "RESERVE_BYTES", 0 if left else 1 << 62)
        left -= 1
        bag_writer.require_room(path)

    monkeypatch.setattr(snapshot_writer, "require_room", require_room)
    made.run()
    good, text = made.answer()
    assert not good and "hardly any space" in text
    if not parts:
        assert text.startswith("the last minutes are lost: ")
        assert not (tmp_path / "bag").exists(), "nothing is left behind"
        return
    assert text.startswith(f"only the newest 6 of 41 messages are in {tmp_path / 'bag'}: ")
    assert [m.log_time for m in Bag(tmp_path / "bag").messages()] == list(range(1034, 1040))
    information = read_metadata(tmp_path / "bag") or {}
    assert information["message_count"] == 6


def test_a_node_that_ends_writes_until_shortly_before_its_workers_must_have_ended() -> None:
    untils: list[float] = []
    node: Any = SimpleNamespace(
        _finder=SimpleNamespace(take=lambda last: [], close=lambda: None),
        _reader=SimpleNamespace(close=lambda: None),
        _record=lambda taken: None, _recording=None, _fault=(math.inf, "cable torn"),
        _write_until=math.inf, _write_out=lambda reason: untils.append(node._write_until),
    )  # fmt: skip
    begun = time.monotonic()
    RecorderNode.deactivate(node)
    assert begun < untils[0] < time.monotonic() + WORKERS_END
