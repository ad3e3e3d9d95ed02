"""Taking messages from DDS without an executor in between.

A turn of rclpy's executor collects every service, timer and subscription of a node, which costs
several times what a message takes between two processes. Whoever waits for one or two subscriptions
only waits here. This is the one file that uses rclpy's private wait set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy

from mentor_common.node.client_errors import take_unreadable


class NoExecutor(CallbackGroup):
    """A group whose members no executor serves; they are read by a :class:`DirectReader`."""

    def can_execute(self, entity: Any) -> bool:
        """Return False."""
        return False

    def beginning_execution(self, entity: Any) -> bool:
        """Return False."""
        return False

    def ending_execution(self, entity: Any) -> None:
        """Do nothing, as nothing was begun."""


class DirectReader:
    """Waits for messages of a few subscriptions and takes them.

    Args:
        context: context of rclpy.
        subscriptions: subscriptions whose messages are waited for; raw ones are taken as bytes.
        guard: a guard condition that ends the wait; None for none.
    """

    def __init__(self, context: Any, subscriptions: Sequence[Any], guard: Any = None) -> None:
        self._subscriptions = list(subscriptions)
        self._guard = guard
        counts = (len(self._subscriptions), int(guard is not None), 0, 0, 0, 0)
        self._wait_set: Any = _rclpy.WaitSet(*counts, context.handle)

    def wait(self, seconds: float) -> None:
        """Return as soon as a message is there or the guard is triggered, or after ``seconds``."""
        wait_set = self._wait_set
        with ExitStack() as used:  # whoever destroys one of them meanwhile waits
            wait_set.clear_entities()
            for subscription in self._subscriptions:
                used.enter_context(subscription.handle)
                wait_set.add_subscription(subscription.handle)
            if self._guard is not None:
                used.enter_context(self._guard.handle)
                wait_set.add_guard_condition(self._guard.handle)
            wait_set.wait(max(1, int(seconds * 1e9)))


def take_messages(subscription: Any) -> Iterator[Any]:
    """Iterate over the messages that have arrived: bytes where the subscription is raw."""
    for message, _ in take_with_info(subscription):
        yield message


def take_with_sender(subscription: Any) -> Iterator[tuple[Any, bytes]]:
    """Iterate over the messages that have arrived, each with :func:`sender_of`."""
    for message, info in take_with_info(subscription):
        yield message, sender_of(info)


def take_with_info(
    subscription: Any, dropped: Callable[[str], None] | None = None
) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Iterate over the messages that have arrived, each with what rclpy knows of it.

    Args:
        subscription: whose messages.
        dropped: called with a text where a message could not be read; a raw one always can.
    """
    handle, kind, raw = subscription.handle, subscription.msg_type, subscription.raw
    while True:
        with handle:
            taken = handle.take_message(kind, raw)
        if take_unreadable() and dropped is not None:
            dropped(f"a message on {subscription.topic_name}: what was sent cannot be read")
        if taken is None:
            return
        yield taken


def sender_of(info: Mapping[str, Any]) -> bytes:
    """Return the identifier of a message's publisher; empty where rclpy does not know it."""
    gid = info.get("publisher_gid")
    return bytes(gid["data"]) if gid else b""
