"""What a node says of its peers, as discovery tells of them bit by bit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mentor_common.env.environment_peers import EnvironmentPeers
from mentor_common.env.ros_requests import EnvironmentLost
from mentor_common.messages import topics
from mentor_common.node import peers
from mentor_common.node.peers import NOT_NAMED_YET, PeerWatch


class Graph:
    """The part of a node that the watch asks, with endpoints as a test sets them."""

    def __init__(self) -> None:
        self.publishers: list[tuple[str, str]] = []
        self.said: list[str] = []
        self.levels: list[str] = []
        self.asked = 0
        self.qos = topics.ACTION.qos
        """That the publishers offer."""

    def get_logger(self) -> Any:
        def log(level: str) -> Any:
            return lambda text: (self.levels.append(level), self.said.append(text))

        return SimpleNamespace(
            warning=log("WARN"), info=log("INFO"), is_enabled_for=lambda level: False
        )

    def get_fully_qualified_name(self) -> str:
        return "/cell/me"

    def resolve_topic_name(self, name: str) -> str:
        return f"/cell/{name}"

    def count_publishers(self, name: str) -> int:
        return len(self.publishers)

    def get_publishers_info_by_topic(self, name: str) -> list[Any]:
        self.asked += 1
        return [
            SimpleNamespace(node_namespace=n, node_name=m, qos_profile=self.qos)
            for n, m in self.publishers
        ]


@pytest.fixture
def graph() -> Graph:
    return Graph()


@pytest.fixture
def watch(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> PeerWatch:
    monkeypatch.setattr(peers, "GRACE", 0.0)
    made = PeerWatch(graph)  # type: ignore[arg-type]
    made.publisher_of(topics.ACTION)
    made.poll()
    assert "waits: nobody publishes /cell/action" in graph.said.pop()
    return made


def test_a_peer_is_greeted_when_discovery_has_told_its_name(graph: Graph, watch: PeerWatch) -> None:
    graph.publishers = [("_NODE_NAMESPACE_UNKNOWN_", NOT_NAMED_YET)]
    watch.poll()
    assert not graph.said and not watch.missing
    graph.publishers = [("/cell", "agent")]
    watch.poll()
    watch.poll()
    assert len(graph.said) == 1
    assert "continues: /cell/agent publishes /cell/action" in graph.said[0]


def test_a_wait_is_information_at_first_and_a_warning_once_after_ten_seconds(
    graph: Graph, watch: PeerWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(seconds: float) -> None:
        later = peers.time.monotonic() + seconds
        monkeypatch.setattr(peers, "time", SimpleNamespace(monotonic=lambda: later))
        watch.poll()

    assert graph.levels == ["INFO"], "nodes that start together miss each other for a while"
    wait(peers.WARN_AFTER - 1.0)
    assert graph.levels == ["INFO"]
    wait(1.5)
    wait(60.0)
    assert graph.levels == ["INFO", "WARN"]
    assert "waits: nobody publishes /cell/action" in graph.said[-1]
    graph.publishers = [("/cell", "agent")]
    wait(peers.NAMED)
    graph.publishers = []
    wait(peers.NAMED)
    assert graph.levels[2:] == ["INFO", "INFO"], "it is back, and missed again, as at the end"


def test_a_publisher_whose_qos_does_not_match_is_named_and_not_greeted(
    graph: Graph, watch: PeerWatch
) -> None:
    graph.publishers, graph.qos = [("/cell", "tool")], topics.STATE_QOS
    watch.poll()
    watch.poll()
    assert "VOLATILE where TRANSIENT_LOCAL is needed" in watch.waiting_for()
    assert "/cell/tool has an incompatible QoS" in watch.waiting_for()
    assert len(graph.said) == 1, "nobody was waited for already; now the reason is another one"
    assert "waits: /cell/tool has an incompatible QoS" in graph.said[0]
    for number in range(20):
        graph.publishers.append(("/cell", f"tool_{number}"))
        watch.poll()
    assert len(graph.said) < peers.REASONS, "nobody fills the log by coming and going"
    graph.publishers, graph.qos = [("/cell", "agent"), ("/cell", "b")], topics.ACTION.qos
    watch.poll()
    assert "continues: /cell/agent, /cell/b publishes" in graph.said[-1]


def test_an_inactive_node_is_waited_for_by_name(graph: Graph) -> None:
    states = {"/cell/agent": "/cell/agent is inactive"}
    watch = PeerWatch(
        graph,  # type: ignore[arg-type]
        lambda nodes: [states[name] for name in nodes or states if name in states],
    )
    watch.publisher_of(topics.ACTION)
    graph.publishers = [("/cell", "agent")]
    watch.poll()
    assert "/cell/agent is inactive, who publishes /cell/action" in watch.waiting_for()
    graph.publishers = [("/cell", "agent"), ("/cell", "other")]
    watch.poll()
    assert not watch.missing, "somebody else does it"
    graph.publishers = []
    watch.poll()
    assert "nobody publishes /cell/action while /cell/agent is inactive" in watch.waiting_for()


def test_a_peer_that_never_gets_a_name_is_greeted_without(
    graph: Graph, watch: PeerWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "NAMELESS", 0.0)
    graph.publishers = [("_NODE_NAMESPACE_UNKNOWN_", NOT_NAMED_YET)]
    watch.poll()
    assert "continues: a node without a name publishes /cell/action" in graph.said[0]
    graph.publishers = []
    watch.poll()
    assert "waits: nobody publishes /cell/action" in graph.said[1] and "did)" not in graph.said[1]


def test_names_are_asked_for_only_when_somebody_comes_or_goes_or_after_a_while(
    graph: Graph, watch: PeerWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph.publishers = [("/cell", "agent")]
    watch.poll()
    asked = graph.asked
    for _ in range(5):
        watch.poll()
    assert graph.asked == asked
    graph.publishers = []
    watch.poll()
    assert "(/cell/agent did)" in graph.said[-1] and watch.missing
    graph.publishers = [("/cell", "other")]
    watch.poll()
    assert "continues: /cell/other" in graph.said[-1]
    later = peers.time.monotonic() + peers.NAMED
    monkeypatch.setattr(peers, "time", SimpleNamespace(monotonic=lambda: later))
    asked = graph.asked
    watch.poll()
    assert graph.asked == asked + 1


def test_an_agent_names_an_inactive_node_once(graph: Graph) -> None:
    graph.publishers = [("/cell", "stacker")]
    idle = ["/cell/stacker is inactive"]
    claims = SimpleNamespace(inactive=lambda nodes: idle, idle=lambda: idle)
    known = EnvironmentPeers(graph, lambda name: name, claims)  # type: ignore[arg-type]
    with pytest.raises(EnvironmentLost) as lost:
        known.await_publishers(0.0, lambda done, until: None)
    text = "/cell/stacker is inactive, who publishes /cell/observation"
    assert str(lost.value).endswith(f": {text}; {text.replace('observation', 'reward')}")
