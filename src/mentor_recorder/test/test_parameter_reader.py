"""A recorder asks the nodes of its own cell for their parameters, and no other cell's."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest

from mentor_recorder.nodes.parameter_reader import ParameterReader

NODES = [("stacker", "/"), ("stacker", "/cell_b"), ("_ros_env", "/"), ("recorder", "/")]


class Client:
    """A client that notes its calls; nobody answers them."""

    def __init__(self, name: str, node: FakeNode) -> None:
        self.name, self.node = name, node

    def service_is_ready(self) -> bool:
        return self.node.ready

    def call_async(self, request: Any) -> Future[Any]:
        self.node.calls.append(self.name)
        return Future()


class FakeNode:
    """Knows a graph of nodes and notes which services it is given clients of."""

    def __init__(self, namespace: str) -> None:
        self.namespace, self.asked = namespace, set[str]()
        self.ready, self.calls = False, list[str]()

    def get_fully_qualified_name(self) -> str:
        return f"{self.namespace.rstrip('/')}/recorder"

    def get_namespace(self) -> str:
        return self.namespace

    def get_node_names_and_namespaces(self) -> list[tuple[str, str]]:
        return NODES

    def create_client(self, kind: type, name: str) -> Any:
        self.asked.add(name)
        return Client(name, self)


@pytest.mark.parametrize(("namespace", "node"), [("/", "/stacker"), ("/cell_b", "/cell_b/stacker")])
def test_another_cell_on_the_machine_is_not_asked(namespace: str, node: str) -> None:
    fake: Any = FakeNode(namespace)
    ParameterReader(fake, lambda name, values: None).poll()
    assert fake.asked == {f"{node}/list_parameters", f"{node}/get_parameters"}


def test_a_node_is_asked_as_soon_as_it_can_answer_and_not_at_once_again() -> None:
    fake: Any = FakeNode("/")
    reader = ParameterReader(fake, lambda name, values: None)
    reader.poll()
    assert fake.calls == []
    fake.ready = True
    reader.poll()
    reader.poll()
    assert fake.calls == ["/stacker/list_parameters"]
