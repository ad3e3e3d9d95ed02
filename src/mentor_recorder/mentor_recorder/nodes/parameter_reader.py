"""Reads the parameters of the cell's other nodes, each once, as they appear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python

PATIENCE = 3
"""Calls of :meth:`ParameterReader.poll` after which a node that does not answer is asked again."""


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
        self._asked: dict[str, tuple[Any, Any, int]] = {}

    def poll(self) -> None:
        """Ask the nodes that have appeared; forget those that are gone, to ask them again."""
        namespace = self._node.get_namespace()
        there = {
            f"{space.rstrip('/')}/{name}"
            for name, space in self._node.get_node_names_and_namespaces()
            if space == namespace and not name.startswith("_")  # below "/" may lie other cells
        }
        self._known &= there | {self._node.get_fully_qualified_name()}
        for name in there - self._known - set(self._asked):
            self._asked[name] = (
                self._node.create_client(ListParameters, f"{name}/list_parameters"),
                self._node.create_client(GetParameters, f"{name}/get_parameters"),
                0,
            )
        for name, (lister, getter, polls) in list(self._asked.items()):
            self._asked[name] = (lister, getter, polls + 1)
            if (
                polls % PATIENCE == PATIENCE - 1
                and lister.service_is_ready()
                and getter.service_is_ready()
            ):
                future = lister.call_async(ListParameters.Request())
                future.add_done_callback(lambda done, name=name: self._listed(name, done))
            elif polls >= PATIENCE * 3 or name not in there:
                self._end(name)

    def close(self) -> None:
        """Let go of what is asked just now."""
        for name in list(self._asked):
            self._end(name)

    def _listed(self, name: str, done: Any) -> None:
        answer, asked = done.result(), self._asked.get(name)
        if answer is None or asked is None:
            return
        names = list(answer.result.names)
        future = asked[1].call_async(GetParameters.Request(names=names))
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
        lister, getter, _ = self._asked.pop(name)
        self._node.destroy_client(lister)
        self._node.destroy_client(getter)
