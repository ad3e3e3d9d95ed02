"""Subscribes, raw, to the topics of a profile: the known ones at once, others as they appear."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from mentor_common.bags.definitions import (
    UnknownTypeError,
    definition_of,
    message_class,
    type_name,
)
from mentor_common.bags.metadata import BagTopic
from mentor_common.bags.qos import qos_to_yaml
from mentor_common.messages.topics import Topic
from mentor_common.node.peers import by_qos
from mentor_recorder.nodes.batches import Batches, Taken

DEPTH = 512
"""Messages of a topic that wait for the recorder at most."""


class TopicFinder:
    """The raw subscriptions of a recorder.

    Args:
        node: node that subscribes.
        wanted: whether a topic that was found is taken, by its name: relative to the node's
            namespace, or absolute.
        added: called with each topic before its first message.
        refused: called once for each topic that cannot be taken, with the reason.
    """

    def __init__(
        self,
        node: Node,
        wanted: Callable[[str], bool],
        added: Callable[[BagTopic], None],
        refused: Callable[[str], None],
    ) -> None:
        self._node = node
        self._wanted, self._added, self._refused = wanted, added, refused
        self._seen: set[str] = set()
        self._batches = Batches(node)
        self._unreceived: dict[str, QoSProfile] = {}

    def subscribe(self, topics: Iterable[Topic]) -> None:
        """Take topics whose type and QoS are known."""
        for topic in topics:
            name = self._node.resolve_topic_name(topic.name)
            qos = QoSProfile(
                history=HistoryPolicy.KEEP_LAST,
                depth=DEPTH,
                reliability=topic.qos.reliability,
                durability=topic.qos.durability,
            )
            self._take(name, topic.type, type_name(topic.type), qos, qos_to_yaml(topic.qos))

    def poll(self) -> None:
        """Take the topics that have appeared and are wanted."""
        space = self._node.get_namespace().rstrip("/") + "/"
        for name, types in self._node.get_topic_names_and_types():
            if name in self._seen:
                continue
            relative = name.removeprefix(space) if name.startswith(space) else ""
            if not (self._wanted(name) or (relative and self._wanted(relative))):
                self._seen.add(name)
                continue
            publishers = self._node.get_publishers_info_by_topic(name)
            if not publishers:
                continue  # somebody waits for it; its QoS is not known yet
            try:
                kind = message_class(types[0])
            except UnknownTypeError as error:
                self._seen.add(name)
                self._refused(f"topic {name} is not recorded: {error}")
                continue
            offers = [publisher.qos_profile for publisher in publishers]
            self._take(name, kind, types[0], matching_qos(offers), qos_to_yaml(offers[0]))

    def take(self, *, last: bool = False) -> list[Taken]:
        """Return the messages that were received before this call, named by their topics.

        Args:
            last: whether those that arrive meanwhile are returned, too.
        """
        taken = self._batches.take(last=last)
        for topic in [name for name in self._unreceived if any(t.name == name for t in taken)]:
            del self._unreceived[topic]
        return taken

    def check_offers(self) -> None:
        """Report the topics of which nothing was received as nobody offers what is asked for."""
        for name, qos in list(self._unreceived.items()):
            if not self._node.count_publishers(name):
                continue
            fitting, misfits = by_qos(self._node.get_publishers_info_by_topic(name), qos)
            if misfits and not fitting:
                del self._unreceived[name]
                self._refused(f"topic {name} is not recorded: {'; '.join(misfits)}")

    def close(self) -> None:
        """Destroy the subscriptions."""
        self._batches.clear()
        self._seen.clear()
        self._unreceived.clear()

    def _take(self, name: str, kind: Any, type_: str, qos: QoSProfile, offered: str) -> None:
        self._seen.add(name)
        if name in self._batches:
            return
        try:
            definition = definition_of(type_)
        except UnknownTypeError as error:
            self._refused(f"topic {name} is not recorded: {error}")
            return
        self._added(BagTopic(name, type_, offered, definition.hash))
        self._batches.add(name, kind, name, qos, raw=True)
        self._unreceived[name] = qos


def matching_qos(offers: list[QoSProfile]) -> QoSProfile:
    """Return the strictest profile that every publisher offers; there must be one at least."""
    reliable = all(offer.reliability == ReliabilityPolicy.RELIABLE for offer in offers)
    latched = all(offer.durability == DurabilityPolicy.TRANSIENT_LOCAL for offer in offers)
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=DEPTH,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )
