"""Who waits for whom, since when: the partners of a node, watched through the ROS graph."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mentor_common.health import ERROR, WARN, Problem
from mentor_common.topics import Interface, Topic

if TYPE_CHECKING:
    from rclpy.node import Node

GRACE = 2.0
"""Seconds for which a partner that has never been there is not missed yet."""
NAMELESS = 1.0
"""Seconds for which a partner that is back is not greeted yet while its name is unknown."""
NAMED = 2.0
"""Seconds for which the names of endpoints hold while there are as many of them: to ask for names
costs ten times what counting does, and a cell that idles beside a learner should cost nothing."""


@dataclass
class Partner:
    """One partner: whoever publishes, hears or serves ``name``.

    Args:
        role: what it does, e.g. "publishes /cell/motion".
        usual: who that usually is.
        present: asks the graph for the names of those who are there.
        required: whether its absence is an ERROR, or a WARN only.
        max_silence: seconds without a message after which it counts as missing; None: never.
    """

    role: str
    usual: str
    present: Callable[[], list[str]]
    required: bool
    max_silence: float | None
    since: float
    heard: float | None = None
    back: float | None = None
    nodes: tuple[str, ...] = ()
    seen: bool = False
    said: bool = False
    why: str = ""

    @property
    def missing(self) -> bool:
        """Whether it is missing now."""
        return bool(self.why)

    def hear(self) -> None:
        """To be called when a message of it comes (for ``max_silence``)."""
        self.heard = time.monotonic()

    def waited(self) -> float:
        """Seconds since it went missing."""
        return time.monotonic() - self.since


class PartnerWatch:
    """Looks for the partners of a node; says in one line when one is missed and when it is back."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._partners: list[Partner] = []
        self._on_loss: list[Callable[[Partner], None]] = []

    def publisher_of(
        self, topic: Topic, *, required: bool = True, max_silence: float | None = None
    ) -> Partner:
        """Watches for somebody who publishes the topic."""
        name = self._node.resolve_topic_name(topic.name)
        return self._add(
            f"publishes {name}",
            topic.publisher,
            self._publishers(name),
            required,
            max_silence,
        )

    def subscriber_of(self, topic: Topic, usual: str = "", *, required: bool = True) -> Partner:
        """Watches for somebody who hears the topic."""
        name = self._node.resolve_topic_name(topic.name)
        return self._add(
            f"hears {name}",
            usual,
            _Names(
                lambda: self._node.count_subscribers(name),
                lambda: self._node.get_subscriptions_info_by_topic(name),
            ),
            required,
            None,
        )

    def service(self, interface: Interface, *, required: bool = True) -> Partner:
        """Watches for somebody who serves the service."""
        name = self._node.resolve_service_name(interface.name)
        return self._add(
            f"serves {name}",
            interface.server,
            lambda: [interface.server or "a server"] * self._node.count_services(name),
            required,
            None,
        )

    def action(self, interface: Interface, *, required: bool = True) -> Partner:
        """Watches for somebody who serves the action."""
        name = self._node.resolve_topic_name(interface.name)
        return self._add(
            f"serves the action {name}",
            interface.server,
            self._publishers(f"{name}/_action/status"),
            required,
            None,
        )

    def on_loss(self, callback: Callable[[Partner], None]) -> None:
        """Calls back when a partner that was there is lost."""
        self._on_loss.append(callback)

    def clear(self) -> None:
        """Forgets all partners."""
        self._partners.clear()
        self._on_loss.clear()

    def restart(self) -> None:
        """Begins to wait anew (at activation)."""
        for partner in self._partners:
            partner.since, partner.heard = time.monotonic(), None
            partner.seen = partner.said = False
            partner.why, partner.nodes, partner.back = "", (), None

    @property
    def missing(self) -> list[Partner]:
        """The partners that are missing now."""
        return [partner for partner in self._partners if partner.missing]

    def waiting_for(self) -> str:
        """Who is waited for, as one line; empty if nobody."""
        return "; ".join(_wait_text(partner) for partner in self.missing)

    def problems(self) -> list[Problem]:
        """The missing partners, for the diagnostics."""
        return [
            Problem(ERROR if partner.required and partner.said else WARN, _wait_text(partner))
            for partner in self.missing
        ]

    def look(self) -> None:
        """Looks once for every partner; to be called a few times a second."""
        for partner in self._partners:
            self._look_for(partner)

    def _publishers(self, name: str) -> Callable[[], list[str]]:
        return _Names(
            lambda: self._node.count_publishers(name),
            lambda: self._node.get_publishers_info_by_topic(name),
        )

    def _add(
        self,
        role: str,
        usual: str,
        present: Callable[[], list[str]],
        required: bool,
        max_silence: float | None,
    ) -> Partner:
        partner = Partner(role, usual, present, required, max_silence, time.monotonic())
        self._partners.append(partner)
        return partner

    def _look_for(self, partner: Partner) -> None:
        now = time.monotonic()
        present = partner.present()
        nodes = tuple(sorted({name for name in present if name != NOT_NAMED_YET}))
        why = "" if present else f"nobody {partner.role}"
        if present and partner.max_silence is not None:
            last = partner.heard if partner.heard is not None else partner.since
            if now - last > partner.max_silence:
                why = f"{_said(nodes)}, who {partner.role}, is silent"
        was_missing = partner.missing
        if why and not was_missing:
            partner.since = now if partner.seen else partner.since
        partner.why = why
        logger = self._node.get_logger()
        if why:
            partner.back = None
            if not partner.said and (partner.seen or partner.waited() >= GRACE):
                partner.said = True
                who = f" ({', '.join(partner.nodes)} did)" if partner.nodes and not present else ""
                usual = f"; usually the {partner.usual}" if partner.usual else ""
                logger.warning(
                    f"{self._node.get_fully_qualified_name()} waits: {why}{who}{usual}; "
                    f"since {partner.waited():.1f} s"
                )
                if partner.seen:
                    for callback in self._on_loss:
                        callback(partner)
        else:
            if partner.said:
                partner.back = partner.back or now
                if not nodes and now - partner.back < NAMELESS:
                    return
                logger.info(
                    f"{self._node.get_fully_qualified_name()} goes on: {_said(nodes)} "
                    f"{partner.role} after {partner.waited():.1f} s"
                )
            partner.said, partner.seen, partner.back = False, True, None
            partner.nodes = nodes


NOT_NAMED_YET = "_NODE_NAME_UNKNOWN_"
"""Discovery tells of an endpoint first and of its node's name some milliseconds later."""


def node_names(infos: Iterable[Any]) -> list[str]:
    """Full names of the nodes of endpoints; :data:`NOT_NAMED_YET` where it is not known yet."""
    return [
        NOT_NAMED_YET
        if info.node_name == NOT_NAMED_YET
        else f"{info.node_namespace.rstrip('/')}/{info.node_name}"
        for info in infos
    ]


class _Names:
    """Names of the nodes of a topic's endpoints, asked for anew when their number has changed.

    Args:
        count: number of endpoints.
        infos: what the graph knows of each.
    """

    def __init__(self, count: Callable[[], int], infos: Callable[[], Iterable[Any]]) -> None:
        self._count, self._infos = count, infos
        self._names: list[str] = []
        self._until = 0.0

    def __call__(self) -> list[str]:
        now = time.monotonic()
        stale = now >= self._until or NOT_NAMED_YET in self._names
        if stale or self._count() != len(self._names):
            self._names, self._until = node_names(self._infos()), now + NAMED
        return self._names


def _said(nodes: tuple[str, ...]) -> str:
    return ", ".join(nodes) or "a node without a name"


def _wait_text(partner: Partner) -> str:
    usual = f" (usually the {partner.usual})" if partner.usual else ""
    return f"waits for {partner.waited():.0f} s: {partner.why}{usual}"
