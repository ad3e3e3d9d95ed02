"""A viewer gets the raw messages of a topic whichever of the two came first."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from fake_peer import FakePeer
from rclpy.qos import QoSProfile
from std_msgs.msg import String

from mentor_common.messages.qos import best_effort, reliable, transient_local
from mentor_recorder.nodes.forwarder import Forwarder


def eventually(done: Callable[[], object], work: Callable[[], None]) -> bool:
    until = time.monotonic() + 30.0
    while not done() and time.monotonic() < until:
        work()
        time.sleep(0.05)
    return bool(done())


@pytest.mark.parametrize("qos", [best_effort(1), reliable(5), transient_local(1)])
def test_a_topic_that_was_watched_before_its_publisher_came_is_forwarded(qos: QoSProfile) -> None:
    peer = FakePeer("watched", "/late")
    channels: dict[str, int] = {}
    received: list[int] = []

    def add_channel(topic: str, *_: str) -> int:
        return channels.setdefault(topic, len(channels) + 1)

    server: Any = SimpleNamespace(
        add_channel=add_channel, publish=lambda number, data: received.append(number)
    )
    forwarder = Forwarder(peer.node, server)
    waiting = peer.node.create_subscription(String, "words", lambda _: None, best_effort(1))
    peer.begin()
    try:
        assert eventually(lambda: "/late/words" in channels, forwarder.poll)
        forwarder.watch({channels["/late/words"]})
        publisher = peer.node.create_publisher(String, "words", qos)

        def work() -> None:
            forwarder.poll()
            publisher.publish(String(data="a word"))

        assert eventually(lambda: received, work), "nothing came"
        assert set(received) == {channels["/late/words"]}
        forwarder.watch(set())
        alone = eventually(lambda: peer.node.count_subscribers("/late/words") == 1, forwarder.poll)
        assert alone, "only the one that waits is left"
    finally:
        peer.node.destroy_subscription(waiting)
        peer.close()
