"""Reads the parameters of the cell's other nodes, each once, as they appear."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python

PATIENCE = 1.5
"""Seconds after which a node that does not answer is asked again."""
ATTEMPTS = 5.0
"""Seconds after which a node that has not answered is asked through new clients."""


@dataclass
class _Asked:
    """A node that has not answered yet."""

    lister: Any
    getter: Any
    since: float
    last: float = -math.inf

    @property
    def ready(self) -> bool:
        return bool(self.lister.service_is_ready() and self.getter.service_is_ready())


class ParameterReader:
    """Asks every node of the own namespace for its parameters.

    Args:
        node: node that asks.
        received: called with a node's name and its parameters.
    """

    def __init__(self, node: Node, received: Callable[[str, dict[str, Any]], None]) -> None:
        self._node = node
        self._received = received
        self._known: set[str] = {node.get_fully_qualified_name()}
        self._asked: dict[str, _Asked] = {}

    def poll(self) -> None:
        """Ask the nodes that have appeared; forget those that are gone, to ask them again."""
        namespace = self._node.get_namespace()
        there = {
            f"{space.rstrip('/')}/{name}"
            for name, space in self._node.get_node_names_and_namespaces()
            if space == namespace and not name.startswith("_")  # below "/" may lie other cells
        }
        self._known &= there | {self._node.get_fully_qualified_name()}
        now = time.monotonic()
        for name in there - self._known - set(self._asked):
            self._asked[name] = _Asked(
                self._node.create_client(ListParameters, f"{name}/list_parameters"),
                self._node.create_client(GetParameters, f"{name}/get_parameters"),
                now,
            )
        for name, asked in list(self._asked.items()):
            if now - asked.since >= ATTEMPTS or name not in there:
                self._end(name)
            elif now - asked.last >= PATIENCE and asked.ready:
                asked.last = now
                future = asked.lister.call_async(ListParameters.Request())
                future.add_done_callback(lambda done, name=name: self._listed(name, done))

    def close(self) -> None:
        """Let go of what is asked just now."""
        for name in list(self._asked):
            self._end(name)

    def _listed(self, name: str, done: Any) -> None:
        answer, asked = done.result(), self._asked.get(name)
        if answer is None or asked is None:
            return
        names = list(answer.result.names)
        future = asked.getter.call_async(GetParameters.Request(names=names))
        future.add_done_callback(lambda got: self._got(name, names, got))

    def _got(self, name: str, names: list[str], done: Any) -> None:
        answer = done.result()
        if answer is None or name not in self._asked:
            return
        self._end(name)
        self._known.add(name)
        values = [parameter_value_to_python(value) for value in answer.values]
        plain = [
            list(v) if hasattr(v, "__iter__") and not isinstance(v, str) else v for v in values
        ]
        self._received(name, dict(zip(names, plain, strict=False)))

    def _end(self, name: str) -> None:
        asked = self._asked.pop(name)
        self._node.destroy_client(asked.lister)
        self._node.destroy_client(asked.getter)
