"""A recorder asks the nodes of its own cell for their parameters, and no other cell's."""

from __future__ import annotations

from typing import Any

import pytest

from mentor_recorder.nodes.parameter_reader import ParameterReader

NODES = [("stacker", "/"), ("stacker", "/cell_b"), ("_ros_env", "/"), ("recorder", "/")]


class NeverReady:
    """A client whose server is not found."""

    def service_is_ready(self) -> bool:
        return False


class FakeNode:
    """Knows a graph of nodes and notes which services it is given clients of."""

    def __init__(self, namespace: str) -> None:
        self.namespace, self.asked = namespace, set[str]()

    def get_fully_qualified_name(self) -> str:
        return f"{self.namespace.rstrip('/')}/recorder"

    def get_namespace(self) -> str:
        return self.namespace

    def get_node_names_and_namespaces(self) -> list[tuple[str, str]]:
        return NODES

    def create_client(self, kind: type, name: str) -> Any:
        self.asked.add(name)
        return NeverReady()


@pytest.mark.parametrize(("namespace", "node"), [("/", "/stacker"), ("/cell_b", "/cell_b/stacker")])
def test_another_cell_on_the_machine_is_not_asked(namespace: str, node: str) -> None:
    fake: Any = FakeNode(namespace)
    ParameterReader(fake, lambda name, values: None).poll()
    assert fake.asked == {f"{node}/list_parameters", f"{node}/get_parameters"}
