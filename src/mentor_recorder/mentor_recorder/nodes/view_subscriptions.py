"""The topics that a view of the cell is made from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.qos import HistoryPolicy, QoSProfile

from mentor_common.messages import topics
from mentor_common.messages.topics import Topic
from mentor_common.node.cell_node import CellNode
from mentor_recorder.monitor.cell_view import CellView
from mentor_recorder.nodes.batches import Batches

DEPTH = 512
"""Messages of a topic that wait for the view at most."""


class ViewSubscriptions:
    """Lets a view receive the cell's experience and training, in batches.

    Args:
        node: node that subscribes; while it is not active, messages are dropped.
        view: receives the messages.
    """

    def __init__(self, node: CellNode, view: CellView) -> None:
        self._node = node
        self._batches = Batches(node)
        self._receivers: dict[str, Callable[[Any], None]] = {}
        for topic, receive in (
            (topics.ACTION, view.on_action),
            (topics.MOTION, view.on_motion),
            (topics.REWARD, view.on_reward),
            (topics.EPISODE_START, view.on_episode_start),
            (topics.EXPERT_USAGE, view.on_expert_usage),
            (topics.TRAINING, view.on_training),
        ):
            self.add(topic, receive)

    def add(self, topic: Topic, receive: Callable[[Any], None]) -> None:
        """Subscribe to a further topic."""
        qos = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=DEPTH if topic.qos.depth > 1 else 1,
            reliability=topic.qos.reliability,
            durability=topic.qos.durability,
        )
        self._batches.add(topic.name, topic.type, topic.name, qos)
        self._receivers[topic.name] = receive

    def take(self) -> None:
        """Pass on what has arrived, in the order in which it did."""
        for message in self._batches.take():
            if self._node.active:
                self._receivers[message.name](message.message)
