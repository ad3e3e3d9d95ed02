"""Subscriptions whose messages wait in DDS and are taken all at once, a few times a second.

An executor's turn collects every service, timer and subscription of a node, which costs several
times what a message does. Whoever only records or watches need not be woken by each.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.exceptions import InvalidHandle
from rclpy.node import Node
from rclpy.qos import QoSProfile

from mentor_common.node.direct_reader import NoExecutor, take_with_info


class Taken(NamedTuple):
    """A message of a batch; times in nanoseconds."""

    name: str
    message: Any
    """Bytes where the subscription is raw."""
    received: int
    """When DDS received it."""
    published: int
    """When it was sent; 0: unknown."""
    sequence: int
    """The publisher's running number; 0: unknown."""


class Batches:
    """Makes subscriptions, and takes what they have received in the order in which it arrived.

    Args:
        node: node that subscribes.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._subscriptions: dict[str, Any] = {}
        self._early: list[Taken] = []
        """Messages of the next batch: read in the last ``take``, but received after it had begun,
        when subscriptions read before them may have missed messages of the same time."""

    def __contains__(self, name: str) -> bool:
        return name in self._subscriptions

    def add(self, name: str, kind: Any, topic: str, qos: QoSProfile, *, raw: bool = False) -> None:
        """Subscribe to a topic.

        Args:
            name: name of the subscription.
            kind: type of the messages.
            topic: name of the topic.
            qos: its depth is what may wait between two batches.
            raw: whether messages are taken as bytes.
        """
        self._subscriptions[name] = self._node.create_subscription(
            kind,
            topic,
            lambda _: None,
            qos,
            callback_group=NoExecutor(),
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
            raw=raw,
        )

    def remove(self, name: str) -> None:
        """Destroy a subscription."""
        self._node.destroy_subscription(self._subscriptions.pop(name))

    def clear(self) -> None:
        """Destroy all."""
        for name in list(self._subscriptions):
            self.remove(name)
        self._early.clear()

    def take(self, *, last: bool = False) -> list[Taken]:
        """Return what was received before this call, oldest first.

        What arrives while the subscriptions are read one by one is kept for the next batch.

        Args:
            last: whether that is returned, too.
        """
        begun, taken, self._early = time.time_ns(), self._early, []
        for name, subscription in self._subscriptions.items():
            taken += _read(name, subscription, begun)
        taken.sort(key=lambda one: one.received)
        if last or not taken or taken[-1].received <= begun:
            return taken
        self._early = [one for one in taken if one.received > begun]
        return taken[: len(taken) - len(self._early)]

    def take_newest(self, name: str) -> Any:
        """Return the newest message of one subscription; None: nothing has arrived."""
        found = _read(name, self._subscriptions[name], time.time_ns())
        return found[-1].message if found else None


def _read(name: str, subscription: Any, now: int) -> list[Taken]:
    """Return what a subscription has received; ``now`` for a middleware that gives no times."""
    try:
        return [
            Taken(
                name,
                message,
                info.get("received_timestamp") or now,
                info.get("source_timestamp") or 0,
                (info.get("publication_sequence_number") or 0) & 0xFFFFFFFF,
            )
            for message, info in take_with_info(subscription)
        ]
    except InvalidHandle:  # the node is being taken down
        return []
