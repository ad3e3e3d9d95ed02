"""Takes other nodes to active, as a lifecycle manager does."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from typing import Any

from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.node import Node

NEXT = {
    State.PRIMARY_STATE_UNCONFIGURED: Transition.TRANSITION_CONFIGURE,
    State.PRIMARY_STATE_INACTIVE: Transition.TRANSITION_ACTIVATE,
}
"""The transition that leads on from a state."""
LOST = 5.0
"""Seconds after which an answer is taken for lost; asking for a state again does no harm."""


class NodeStarter:
    """Configures and activates nodes that were started with ``autostart:=false``.

    Args:
        node: node that asks.
        names: names of the others, relative to its namespace.
    """

    def __init__(self, node: Node, names: Iterable[str]) -> None:
        self._clients = {
            name: (
                node.create_client(GetState, f"{name}/get_state"),
                node.create_client(ChangeState, f"{name}/change_state"),
            )
            for name in names
        }
        self._asked: dict[str, float] = {}

    def poll(self) -> None:
        """Ask every node that is not active yet; to be called now and then by a timer."""
        now = time.monotonic()
        for name, (state, change) in self._clients.items():
            recent = now - self._asked.get(name, -LOST) < LOST
            if not recent and state.service_is_ready() and change.service_is_ready():
                self._asked[name] = now
                future = state.call_async(GetState.Request())
                future.add_done_callback(partial(self._lead_on, name))

    def _lead_on(self, name: str, answered: Any) -> None:
        answer = answered.result()
        state = answer.current_state.id if answer is not None else State.PRIMARY_STATE_UNKNOWN
        if state == State.PRIMARY_STATE_ACTIVE:
            self._asked[name] = float("inf")
        elif state in NEXT:
            request = ChangeState.Request(transition=Transition(id=NEXT[state]))
            future = self._clients[name][1].call_async(request)
            future.add_done_callback(lambda _: self._asked.pop(name, None))
