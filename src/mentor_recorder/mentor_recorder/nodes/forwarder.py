"""Hands a cell's topics on, raw, to viewers that ask for them, such as Foxglove."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node

from mentor_common.bags.definitions import UnknownTypeError, definition_of, message_class
from mentor_recorder.monitor.server import MonitorServer
from mentor_recorder.nodes.topic_finder import matching_qos


class Forwarder:
    """Announces every topic, and subscribes to it only while somebody watches it.

    Args:
        node: node that subscribes.
        server: server that announces and sends.
    """

    def __init__(self, node: Node, server: MonitorServer) -> None:
        self._node, self._server = node, server
        self._known: dict[str, int] = {}
        self._types: dict[int, tuple[str, str]] = {}
        self._subscriptions: dict[int, Any] = {}
        self._watched: set[int] = set()

    def poll(self) -> None:
        """Announce the topics that have appeared in the cell, and those that all cells share.

        What is watched and had no publisher so far is subscribed to if it has one now.
        """
        space = self._node.get_namespace().rstrip("/") + "/"
        for name, types in self._node.get_topic_names_and_types():
            shared = name in ("/tf", "/tf_static", "/diagnostics")
            if name in self._known or not (name.startswith(space) or shared):
                continue
            self._known[name] = 0
            try:
                text = definition_of(types[0]).text
            except UnknownTypeError:
                continue
            number = self._server.add_channel(name, "cdr", types[0], text, "ros2msg")
            self._known[name] = number
            self._types[number] = (name, types[0])
        self._subscribe()

    def watch(self, numbers: set[int]) -> None:
        """Subscribe to what is watched, and to nothing else."""
        self._watched = set(numbers)
        for number in set(self._subscriptions) - numbers:
            self._node.destroy_subscription(self._subscriptions.pop(number))
        self._subscribe()

    def _subscribe(self) -> None:
        """Subscribe to what is watched and published; before that, its QoS is not known."""
        for number in (self._watched & set(self._types)) - set(self._subscriptions):
            name, kind = self._types[number]
            offers = [i.qos_profile for i in self._node.get_publishers_info_by_topic(name)]
            if not offers:
                continue
            self._subscriptions[number] = self._node.create_subscription(
                message_class(kind),
                name,
                lambda data, number=number: self._server.publish(number, data),
                matching_qos(offers),
                raw=True,
            )
