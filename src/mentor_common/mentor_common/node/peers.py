"""Who waits for whom, since when: the peers of a node, watched through the ROS graph."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from mentor_common.messages.topics import Interface, Topic
from mentor_common.node.debug_log import debug
from mentor_common.node.health import ERROR, WARN, Problem

if TYPE_CHECKING:
    from rclpy.node import Node

GRACE = 2.0
"""Seconds before a peer that was never there counts as missed."""
WARN_AFTER = 10.0
"""Seconds of waiting from which on it is logged as a warning; before that it is information, as
nodes that start or end together miss each other for a while."""
NAMELESS = 1.0
"""Seconds that the log line about a peer that is back waits for the peer's name."""
NAMED = 2.0
"""Seconds for which the names of endpoints hold while there are as many of them: to ask for names
costs ten times what counting does, and a cell that idles beside a learner should cost nothing."""
REASONS = 4
"""Reasons that are logged at most while one peer is missing."""


@dataclass
class Peer:
    """One peer: a publisher, subscriber or server.

    Args:
        role: what it does, e.g. "publishes /cell/motion".
        usual: who that usually is.
        present: asks the graph for the names of those who are there.
        required: whether its absence is an ERROR, or a WARN only.
    """

    role: str
    usual: str
    present: Callable[[], list[str]]
    required: bool
    since: float
    back: float | None = None
    nodes: tuple[str, ...] = ()
    seen: bool = False
    reported: bool = False
    warned: bool = False
    why: str = ""
    reasons: set[str] = field(default_factory=set)
    misfits: Callable[[], list[str]] = list

    @property
    def missing(self) -> bool:
        """Whether it is missing now."""
        return bool(self.why)

    def waited(self) -> float:
        """Return seconds since it went missing."""
        return time.monotonic() - self.since


class PeerWatch:
    """Polls for the peers of a node; logs one line when one is missed and when it is back.

    While it is missed, a further line names a node that appears and does not fit, or is not active,
    and one warns after :data:`WARN_AFTER` seconds.

    Args:
        node: node that waits for them.
        inactive: which of these nodes, or of all of the cell, are not active, with their states.
    """

    def __init__(
        self, node: Node, inactive: Callable[[Iterable[str] | None], list[str]] = lambda nodes: []
    ) -> None:
        self._node = node
        self._inactive = inactive
        self._peers: list[Peer] = []
        self._on_loss: list[Callable[[Peer], None]] = []

    def publisher_of(self, topic: Topic, *, required: bool = True) -> Peer:
        """Watch for somebody who publishes the topic."""
        name = self._node.resolve_topic_name(topic.name)
        found = self._publishers(name, topic.qos)
        peer = self._add(f"publishes {name}", topic.publisher, found, required)
        peer.misfits = lambda: found.misfits
        return peer

    def subscriber_of(self, topic: Topic, usual: str = "", *, required: bool = True) -> Peer:
        """Watch for somebody who receives the topic."""
        name = self._node.resolve_topic_name(topic.name)
        return self._add(
            f"receives {name}",
            usual,
            _Names(
                lambda: self._node.count_subscribers(name),
                lambda: self._node.get_subscriptions_info_by_topic(name),
            ),
            required,
        )

    def service(self, interface: Interface, *, required: bool = True) -> Peer:
        """Watch for somebody who serves the service."""
        name = self._node.resolve_service_name(interface.name)
        return self._add(
            f"serves {name}",
            interface.server,
            lambda: [interface.server or "a server"] * self._node.count_services(name),
            required,
        )

    def action(self, interface: Interface, *, required: bool = True) -> Peer:
        """Watch for somebody who serves the action."""
        name = self._node.resolve_topic_name(interface.name)
        found = self._publishers(f"{name}/_action/status")
        return self._add(f"serves the action {name}", interface.server, found, required)

    def on_loss(self, callback: Callable[[Peer], None]) -> None:
        """Call back when a peer that was there is lost."""
        self._on_loss.append(callback)

    def clear(self) -> None:
        """Forget all peers."""
        self._peers.clear()
        self._on_loss.clear()

    def restart(self) -> None:
        """Begin to wait again (at activation)."""
        for peer in self._peers:
            peer.since = time.monotonic()
            peer.seen = peer.reported = peer.warned = False
            peer.why, peer.nodes, peer.back = "", (), None
            peer.reasons.clear()

    @property
    def missing(self) -> list[Peer]:
        """The peers that are missing now."""
        return [peer for peer in self._peers if peer.missing]

    def waiting_for(self) -> str:
        """Return who is waited for, as one line; empty if nobody."""
        return "; ".join(_wait_text(peer) for peer in self.missing)

    def problems(self) -> list[Problem]:
        """Return the missing peers, for the diagnostics."""
        return [
            Problem(ERROR if peer.required and peer.reported else WARN, _wait_text(peer))
            for peer in self.missing
        ]

    def poll(self) -> None:
        """Look up every peer in the graph once; to be called a few times a second."""
        for peer in self._peers:
            self._poll_peer(peer)

    def _publishers(self, name: str, wanted: QoSProfile | None = None) -> _Names:
        return _Names(
            lambda: self._node.count_publishers(name),
            lambda: self._node.get_publishers_info_by_topic(name),
            wanted,
        )

    def _add(
        self,
        role: str,
        usual: str,
        present: Callable[[], list[str]],
        required: bool,
    ) -> Peer:
        peer = Peer(role, usual, present, required, time.monotonic())
        self._peers.append(peer)
        return peer

    def _poll_peer(self, peer: Peer) -> None:
        now = time.monotonic()
        present = peer.present()
        nodes = tuple(sorted({name for name in present if name != NOT_NAMED_YET}))
        why = self._why_missing(peer, present, nodes)
        was_missing = peer.missing
        if why and not was_missing:
            peer.since = now if peer.seen else peer.since
        peer.why = why
        logger = self._node.get_logger()
        if why:
            peer.back = None
            due = peer.seen or peer.waited() >= GRACE
            warn = peer.waited() >= WARN_AFTER
            if due and (not peer.reported or (warn and not peer.warned) or self._news(peer)):
                lost = not peer.reported and peer.seen
                peer.reported, peer.warned = True, warn
                peer.reasons.add(why)
                who = f" ({', '.join(peer.nodes)} did)" if peer.nodes and not present else ""
                usual = f"; usually the {peer.usual}" if peer.usual else ""
                text = (
                    f"{self._node.get_fully_qualified_name()} waits: {why}{who}{usual}; "
                    f"since {peer.waited():.1f} s"
                )
                if warn:  # a statement for each: rclpy has one severity for each place of a call
                    logger.warning(text)
                else:
                    logger.info(text)
                for callback in self._on_loss if lost else ():
                    callback(peer)
        else:
            if peer.reported:
                peer.back = peer.back or now
                if not nodes and now - peer.back < NAMELESS:
                    return
                logger.info(
                    f"{self._node.get_fully_qualified_name()} continues: {_names_of(nodes)} "
                    f"{peer.role} after {peer.waited():.1f} s"
                )
            if not peer.seen or nodes != peer.nodes:
                debug(self._node, lambda: f"found {_names_of(nodes)}, who {peer.role}")
            peer.reported, peer.warned, peer.seen, peer.back = False, False, True, None
            peer.nodes = nodes
            peer.reasons.clear()

    def _news(self, peer: Peer) -> bool:
        """Return whether a peer is missing for another reason than those logged, one that helps."""
        helps = bool(peer.misfits()) or bool(self._inactive(None))
        known = peer.why in peer.reasons or len(peer.reasons) >= REASONS
        return helps and not known and NOT_NAMED_YET not in peer.why

    def _why_missing(self, peer: Peer, present: list[str], nodes: tuple[str, ...]) -> str:
        """Return why nobody plays the peer's role; empty: somebody does."""
        if present:
            idle = self._inactive(nodes) if nodes else []
            return f"{', '.join(idle)}, who {peer.role}" if idle and len(idle) == len(nodes) else ""
        if misfits := peer.misfits():
            return f"{'; '.join(misfits)}, and nobody else {peer.role}"
        return f"nobody {peer.role}{self._while_idle()}"

    def _while_idle(self) -> str:
        idle = self._inactive(None)
        return f" while {', '.join(idle)}" if idle else ""


NOT_NAMED_YET = "_NODE_NAME_UNKNOWN_"
"""Discovery reports an endpoint first and its node's name some milliseconds later."""


def node_names(infos: Iterable[Any]) -> list[str]:
    """Return the full names of endpoints' nodes; :data:`NOT_NAMED_YET` where it is not known."""
    return [
        NOT_NAMED_YET
        if info.node_name == NOT_NAMED_YET
        else f"{info.node_namespace.rstrip('/')}/{info.node_name}"
        for info in infos
    ]


class _Names:
    """Names of the nodes of a topic's endpoints, asked for again when their number has changed.

    Args:
        count: number of endpoints.
        infos: what the graph knows of each.
        wanted: QoS that the endpoints must offer; None: any.

    Attributes:
        misfits: endpoints that do not offer it, and are not counted, as one text each.
    """

    def __init__(
        self,
        count: Callable[[], int],
        infos: Callable[[], Iterable[Any]],
        wanted: QoSProfile | None = None,
    ) -> None:
        self._count, self._infos, self._wanted = count, infos, wanted
        self._names: list[str] = []
        self.misfits: list[str] = []
        self._found = 0
        self._until = 0.0

    def __call__(self) -> list[str]:
        now = time.monotonic()
        stale = now >= self._until or NOT_NAMED_YET in self._names
        if stale or self._count() != self._found:
            infos = list(self._infos())
            fitting, self.misfits = by_qos(infos, self._wanted)
            self._names = node_names(fitting)
            self._found, self._until = len(infos), now + NAMED
        return self._names


def by_qos(infos: Iterable[Any], wanted: QoSProfile | None) -> tuple[list[Any], list[str]]:
    """Return the publishers that offer what is wanted, and of each other node what it lacks."""
    fitting, lacks = [], dict[str, str]()
    for info in infos:
        if lack := _lacking(info, wanted):
            lacks[node_names([info])[0]] = lack
        else:
            fitting.append(info)
    served = node_names(fitting)  # a topic may be echoed: see Topic
    return fitting, [
        f"{name} has an incompatible QoS ({lack})"
        for name, lack in lacks.items()
        if name not in served
    ]


def _lacking(info: Any, wanted: QoSProfile | None) -> str:
    """Return what a publisher does not offer that a subscription wants; empty: it fits."""
    offered = getattr(info, "qos_profile", None)
    if wanted is None or offered is None:
        return ""
    lacks = []
    if (wanted.reliability, offered.reliability) == (
        ReliabilityPolicy.RELIABLE,
        ReliabilityPolicy.BEST_EFFORT,
    ):
        lacks.append("BEST_EFFORT where RELIABLE is needed")
    if (wanted.durability, offered.durability) == (
        DurabilityPolicy.TRANSIENT_LOCAL,
        DurabilityPolicy.VOLATILE,
    ):
        lacks.append("VOLATILE where TRANSIENT_LOCAL is needed")
    return ", ".join(lacks)


def _names_of(nodes: tuple[str, ...]) -> str:
    return ", ".join(nodes) or "a node without a name"


def _wait_text(peer: Peer) -> str:
    usual = f" (usually the {peer.usual})" if peer.usual else ""
    return f"waits for {peer.waited():.0f} s: {peer.why}{usual}"
