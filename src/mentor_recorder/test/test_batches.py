"""Messages that are taken all at once come in the order in which they arrived."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from fake_peer import FakePeer
from std_msgs.msg import Int32

from mentor_common.messages.qos import transient_local
from mentor_recorder.nodes.batches import Batches, Taken


@pytest.fixture
def peer() -> Iterator[FakePeer]:
    peer = FakePeer("batches", "/batches")
    peer.begin()
    yield peer
    peer.close()


def taken(batches: Batches, count: int) -> list[Taken]:
    found: list[Taken] = []
    until = time.monotonic() + 30.0
    while len(found) < count and time.monotonic() < until:
        found += batches.take()
        time.sleep(0.01)
    return found


def test_messages_of_several_topics_come_in_the_order_in_which_they_arrived(peer: FakePeer) -> None:
    node, batches = peer.node, Batches(peer.node)
    publishers = [node.create_publisher(Int32, name, transient_local(100)) for name in ("a", "b")]
    for name in ("b", "a"):
        batches.add(name, Int32, name, transient_local(100))
    until = time.monotonic() + 30.0
    while any(p.get_subscription_count() == 0 for p in publishers) and time.monotonic() < until:
        time.sleep(0.01)
    for number in range(40):
        publishers[number % 2].publish(Int32(data=number))
        time.sleep(0.001)
    found = taken(batches, 40)
    assert [one.message.data for one in found] == list(range(40))
    assert [one.name for one in found[:2]] == ["a", "b"]
    assert all(0 < one.published <= one.received for one in found)
    assert batches.take() == []


def test_what_arrives_while_a_batch_is_taken_belongs_to_the_next(
    peer: FakePeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = Batches(peer.node)
    publisher = peer.node.create_publisher(Int32, "c", transient_local(10))
    batches.add("c", Int32, "c", transient_local(10))
    publisher.publish(Int32(data=1))
    (first,) = taken(batches, 1)
    publisher.publish(Int32(data=2))
    monkeypatch.setattr(time, "time_ns", lambda: first.received)  # the batch began before it came
    time.sleep(1.0)
    assert batches.take() == []
    (second,) = batches.take(last=True)
    assert second.message.data == 2


def test_only_the_newest_is_taken_where_no_other_is_wanted(peer: FakePeer) -> None:
    batches = Batches(peer.node)
    publisher = peer.node.create_publisher(Int32, "d", transient_local(10))
    batches.add("d", Int32, "d", transient_local(10))
    for number in range(5):
        publisher.publish(Int32(data=number))
    newest, until = None, time.monotonic() + 30.0
    while (newest is None or newest.data < 4) and time.monotonic() < until:
        newest = batches.take_newest("d") or newest
    assert newest is not None and newest.data == 4
    assert batches.take_newest("d") is None
    batches.remove("d")
    assert "d" not in batches and batches.take() == []
