"""Who holds what in a cell: each node name, each topic in EXCLUSIVE and the arm have one holder.

Whoever holds something announces it on a topic of durability TRANSIENT_LOCAL, so that late
subscribers get it too, and reads there who else does. A process that was killed announces nothing
any more: what it held is free once discovery has noticed, after the lease of 3 s.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rclpy.event_handler import PublisherEventCallbacks
from rclpy.node import Node
from std_msgs.msg import String

from mentor_common.messages import topics
from mentor_common.messages.qos import transient_local
from mentor_common.node.direct_reader import NoExecutor, take_with_sender
from mentor_common.node.peers import NOT_NAMED_YET, node_names

TOPIC = "_claims"
"""Relative, so that a namespace holds a cell; hidden from ``ros2 topic list`` by its underscore."""
EXCLUSIVE = frozenset(
    topic.name
    for topic in (
        topics.OBSERVATION,
        topics.REWARD,
        topics.MOTION,
        topics.EPISODE_START,
        topics.ACTION,
        topics.POLICY_WEIGHTS,
        topics.GROUND_TRUTH,
    )
)
"""Topics that one node of a cell publishes, and nobody else."""
DISCOVERY = 0.3
"""Seconds that a process which has just started needs to find those that run already."""
PATIENCE = 1.5
"""Seconds for which the claims of those that were found are waited for."""
LONGEST = 4096
"""Bytes of a claim at most; longer messages are not from us."""
GUID_PREFIX = 12
"""Bytes at the beginning of a DDS GUID that all endpoints of a process share (RTPS 2.3, 8.2.4)."""
GUID = 16
"""Bytes of a DDS GUID; the client library hands out 24, padded with zeros."""


class CellHeldError(RuntimeError):
    """Somebody else holds what this process would hold; names who, and the way out."""

    for_person = True
    """Whether the text is made for the person: no traceback is needed."""


@dataclass(frozen=True)
class Claim:
    """What somebody holds, or is about to hold.

    Args:
        holder: full name of the node, or what the person knows it by.
        names: full names of what it holds, e.g. ``/observation`` or ``node /stacker``.
        active: whether it holds them now.
        began: when its process began to claim, nanoseconds since 1970 of its machine's clock. Only
            claims of processes that start at the same time are decided by it, so that clocks that
            differ decide wrongly who is first, but never let both hold.
        key: random; distinguishes claims of the same holder.
        process: process and machine of the holder, for error messages.
        endpoint: GUID of the DDS writer that announced it; empty: unknown.
        state: state of the holder's lifecycle, in a word; empty: it has none, as a RosEnv.
        needed: whether steps wait for the holder, not only for what it holds.
    """

    holder: str
    names: frozenset[str]
    active: bool = False
    began: int = field(default_factory=time.time_ns)
    key: str = field(default_factory=lambda: secrets.token_hex(8))
    process: str = field(default_factory=lambda: f"process {os.getpid()} on {socket.gethostname()}")
    endpoint: bytes = b""
    state: str = ""
    needed: bool = False

    def wins_over(self, mine: Claim) -> bool:
        """Return whether this one stays where both want the same: who was there first."""
        if self.key == mine.key or not self.names & mine.names:
            return False
        if self.active != mine.active:
            return self.active
        return (self.began, self.key) < (mine.began, mine.key)

    def to_json(self) -> str:
        """Return what is published."""
        values = {name: getattr(self, name) for name in _PUBLISHED}
        return json.dumps({**values, "names": sorted(self.names)})


_PUBLISHED = {"holder": str, "active": bool, "began": int, "key": str, "process": str,
              "state": str, "needed": bool}  # fmt: skip


def claim_from_json(text: str, endpoint: bytes = b"") -> Claim:
    """Return the claim that a message holds. Raises: ValueError for anything else."""
    try:
        values = json.loads(text)
    except RecursionError:
        raise ValueError("a claim is nested without end") from None
    if not isinstance(values, dict) or not isinstance(names := values.get("names"), list):
        raise ValueError("a claim is a JSON object with names")
    if not all(isinstance(name, str) for name in names) or any(
        type(values.get(key)) is not kind for key, kind in _PUBLISHED.items()
    ):
        raise ValueError("a claim with a value of another type")
    known = {key: values[key] for key in _PUBLISHED}
    return Claim(names=frozenset(names), endpoint=endpoint, **known)


class Claims:
    """Announces what a node holds, and knows what others hold. Not thread-safe.

    Args:
        node: on whose graph this is.
        topic: where claims are announced, resolved or relative.
    """

    def __init__(self, node: Node, topic: str = TOPIC) -> None:
        self._node = node
        self._began = time.monotonic()
        self._topic = node.resolve_topic_name(topic)
        self._publisher: Any = None
        self._others: dict[str, Claim] = {}
        self.mine: Claim | None = None
        self._subscription = node.create_subscription(
            String,
            topic,
            lambda _: None,
            transient_local(256),
            callback_group=NoExecutor(),
            raw=True,
        )

    def announce(
        self,
        holder: str,
        names: Iterable[str],
        active: bool,
        state: str = "",
        needed: bool = False,
    ) -> None:
        """Tell the others what this node holds (``active``), or is about to hold; see Claim."""
        if self._publisher is None:
            self._publisher = self._node.create_publisher(
                String,
                self._topic,
                transient_local(1),
                event_callbacks=PublisherEventCallbacks(use_default_callbacks=False),
            )
        before: dict[str, Any] = {}
        if self.mine is not None:
            before = {"began": self.mine.began, "key": self.mine.key}
        self.mine = Claim(holder, frozenset(names), active, state=state, needed=needed, **before)
        self._publisher.publish(String(data=self.mine.to_json()))

    def withdraw(self) -> None:
        """Hold nothing any more; whoever destroys the publisher need not call it."""
        self._publisher = self.mine = None

    def settle(self) -> None:
        """Wait until those who run already have been found, and their claims have come."""
        until, latest = self._began + DISCOVERY, time.monotonic() + PATIENCE
        while True:
            self.poll()
            now = time.monotonic()
            if now >= latest or (now >= until and self._all_have_told()):
                return
            time.sleep(0.02)

    def poll(self) -> None:
        """Take the claims that have come."""
        for raw, sender in take_with_sender(self._subscription):
            try:
                if len(raw) > LONGEST:
                    continue
                claim = claim_from_json(_text_of(raw), sender)
            except (ValueError, struct.error):  # a stranger's bytes
                continue
            if self.mine is None or claim.key != self.mine.key:
                self._others[claim.key] = claim

    def rival(self) -> Claim | None:
        """Return who holds what this node would hold; None if it may hold it."""
        self.poll()
        mine = self.mine
        if mine is None:
            return None
        winning = [claim for claim in self._others.values() if claim.wins_over(mine)]
        if winning:
            self._forget_the_dead()
        return next((claim for claim in winning if claim.key in self._others), None)

    def check(self) -> None:
        """Raises: CellHeldError where somebody else holds what this node would hold."""
        rival = self.rival()
        if rival is not None and self.mine is not None:
            raise CellHeldError(held_text(self.mine, rival))

    def permits(self, name: str, sender: bytes) -> bool:
        """Return whether a message on a topic comes from its holder, or the topic has none.

        Args:
            name: full name of the topic.
            sender: identifier of its publisher; empty: unknown, which is permitted.
        """
        if not sender or self._holds(name, sender):
            return True
        self.poll()
        if not self._holders(name) or self._holds(name, sender):
            return True
        self._forget_the_dead()
        return not self._holders(name)

    def is_holder(self, name: str, key: str) -> bool:
        """Return whether the claim with this key holds a topic now."""
        if any(claim.key == key for claim in self._holders(name)):
            return True
        self.poll()
        return any(claim.key == key for claim in self._holders(name))

    def holder_of(self, name: str) -> str:
        """Return who holds a topic, for a person."""
        return self._named(name) or "nobody"

    def living_holder_of(self, name: str) -> str:
        """Return who holds a topic and is alive, for a person; empty: nobody."""
        self.poll()
        if self._holders(name):
            self._forget_the_dead()
        return self._named(name)

    def _named(self, name: str) -> str:
        return ", ".join(f"{c.holder} ({c.process})" for c in self._holders(name))

    def inactive(self, nodes: Iterable[str] | None = None, needed: bool = False) -> list[str]:
        """Return which nodes of the cell are configured but not active, as one text each.

        Args:
            nodes: full names of those that are asked for; None: all.
            needed: only those that steps wait for.
        """
        self.poll()
        if any(claim.state and not claim.active for claim in list(self._others.values())):
            self._forget_the_dead()
        states = {
            c.holder: c.state
            for c in list(self._others.values())
            if not c.active and (c.needed or not needed)
        }
        return [
            f"{name} is {states[name]}"
            for name in sorted(states if nodes is None else set(nodes) & set(states))
            if states[name]
        ]

    def idle(self) -> list[str]:
        """Return which nodes of the cell are inactive or not even configured, as one text each."""
        graph = self._node
        there = node_names(graph.get_subscriptions_info_by_topic(self._topic))
        claiming = node_names(graph.get_publishers_info_by_topic(self._topic))
        silent = set(there) - {*claiming, graph.get_fully_qualified_name(), NOT_NAMED_YET}
        return self.inactive() + [
            f"{name} is unconfigured"
            for name in sorted(silent)
            if not name.rpartition("/")[2].startswith("_")  # no node of a cell
        ]

    def _holders(self, name: str) -> list[Claim]:
        return [claim for claim in self._others.values() if claim.active and name in claim.names]

    def _holds(self, name: str, sender: bytes) -> bool:
        return any(c.endpoint[:GUID_PREFIX] == sender[:GUID_PREFIX] for c in self._holders(name))

    def _all_have_told(self) -> bool:
        mine = int(self._publisher is not None)
        return bool(len(self._others) >= self._subscription.get_publisher_count() - mine)

    def _forget_the_dead(self) -> None:
        infos = self._node.get_publishers_info_by_topic(self._topic)
        alive = {bytes(info.endpoint_gid)[:GUID] for info in infos}
        for key, claim in list(self._others.items()):
            if claim.endpoint and claim.endpoint[:GUID] not in alive:
                del self._others[key]


def held_text(mine: Claim, rival: Claim) -> str:
    """Return what a person reads whose cell, node or agent is refused."""
    names = ", ".join(sorted(mine.names & rival.names))
    return (
        f"{mine.holder} is refused: {rival.holder} ({rival.process}) holds {names} already. End it "
        "first, or start this cell with names of its own (namespace:=<name>) or in a domain of its "
        "own (environment variable ROS_DOMAIN_ID)"
    )


def _text_of(raw: bytes) -> str:
    """Return the text of a std_msgs/String in CDR: four bytes of header, whose second is 1 for
    little endian, then the length and the text. Raises: ValueError, struct.error."""
    (length,) = struct.unpack_from("<I" if raw[1:2] == b"\x01" else ">I", raw, 4)
    return raw[8 : 8 + length].rstrip(b"\0").decode()
