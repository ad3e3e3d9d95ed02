"""A topic that cannot be received is named."""

from __future__ import annotations

import time

from fake_peer import FakePeer

from mentor_common.messages import topics
from mentor_common.messages.qos import best_effort
from mentor_recorder.nodes.topic_finder import TopicFinder


def test_a_topic_that_nobody_offers_as_it_is_needed_is_named_once() -> None:
    peer = FakePeer("finder", "/finder")
    peer.begin()
    refused: list[str] = []
    finder = TopicFinder(peer.node, lambda _: False, lambda _: None, refused.append)
    try:
        finder.subscribe([topics.REWARD, topics.MOTION])
        finder.check_offers()
        assert refused == [], "nobody publishes yet"
        peer.node.create_publisher(topics.REWARD.type, topics.REWARD.name, best_effort(1))
        until = time.monotonic() + 30.0
        while not refused and time.monotonic() < until:
            finder.check_offers()
            time.sleep(0.05)
        finder.check_offers()
        (text,) = refused
        assert text.startswith("topic /finder/reward is not recorded: /finder/finder has an incomp")
        assert "BEST_EFFORT where RELIABLE is needed" in text
    finally:
        finder.close()
        peer.close()
