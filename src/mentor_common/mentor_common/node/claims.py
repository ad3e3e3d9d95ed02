"""Who holds what in a cell: each node name, each topic in EXCLUSIVE and the arm have one holder.

A holder announces its claim on a topic of durability TRANSIENT_LOCAL, so that late subscribers get
it too, and reads the claims of others there. What a killed process held is free once discovery has
noticed, after the lease of 3 s.
"""

from __future__ import annotations

import math
import struct
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from rclpy.event_handler import PublisherEventCallbacks
from rclpy.node import Node
from std_msgs.msg import String

from mentor_common.messages import topics
from mentor_common.messages.qos import transient_local
from mentor_common.node.claim import CellHeldError, Claim, answer_to, claim_from_json, held_text
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
SETTLED = 10.0
"""Seconds after which two that began to hold the same have found each other: a later claim to
have been first is ignored, as it may be forged."""
ANSWERS = 32
"""Answers that a claim holds at most."""


class Claims:
    """Announces what a node holds, and knows what others hold.

    What others hold may be asked for by any thread; one thread announces, asks and answers.

    Args:
        node: on whose graph this is.
        topic: where claims are announced, resolved or relative.
    """

    def __init__(self, node: Node, topic: str = TOPIC) -> None:
        self._node = node
        self._began = time.monotonic()
        self._topic = node.resolve_topic_name(topic)
        self._publisher: Any = None
        self._lock = threading.RLock()  # of whoever changes the two tables
        self._others: dict[str, Claim] = {}  # replaced at each change, as others iterate over it
        self._arrived: dict[str, float] = {}
        self._held_since = math.inf
        self._asks: dict[str, int] = {}
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
            kept = ("began", "key", "asks", "answers")
            before = {name: getattr(self.mine, name) for name in kept}
        self._publish(Claim(holder, frozenset(names), active, state=state, needed=needed, **before))

    def ask(self) -> None:
        """Ask the others whether they still receive this node."""
        if self.mine is not None:
            self._publish(replace(self.mine, asks=self.mine.asks + 1))

    def answer(self) -> None:
        """Answer the others that have asked."""
        self.poll()
        if self.mine is None:
            return
        asking = [claim for claim in self._others.values() if claim.asks]
        answers = frozenset(answer_to(claim) for claim in asking[-ANSWERS:])
        if answers - self.mine.answers:
            self._publish(replace(self.mine, answers=answers))

    def newly_asked(self) -> bool:
        """Return whether another node has asked since the last call."""
        before, self._asks = self._asks, {c.key: c.asks for c in self._others.values() if c.state}
        return any(asks > before.get(key, 0) for key, asks in self._asks.items())

    def answered(self, key: str, holder: str) -> bool:
        """Return whether a node has answered what was asked last, or need not: it is not active any
        more, or another process.

        Args:
            key: of its claim when it was asked.
            holder: its name.
        """
        mine = self.mine
        if mine is None:
            return True
        claims = [c for c in self._others.values() if c.state and c.holder == holder]
        return any(c.key != key or not c.active or answer_to(mine) in c.answers for c in claims)

    def nodes(self) -> dict[str, str]:
        """Return the active nodes of the cell: holder by key of the claim.

        One that still configures itself may be too busy to answer.
        """
        self.poll()
        self._forget_ended()
        return {c.key: c.holder for c in self._others.values() if c.state and c.active}

    def withdraw(self) -> None:
        """Hold nothing any more; need not be called before the publisher is destroyed."""
        self._publisher = self.mine = None

    def settle(self) -> None:
        """Wait until those who run already have been found, and their claims have arrived."""
        until, latest = self._began + DISCOVERY, time.monotonic() + PATIENCE
        while True:
            self.poll()
            now = time.monotonic()
            if now >= latest or (now >= until and self._all_have_announced()):
                return
            time.sleep(0.02)

    def poll(self) -> None:
        """Take the claims that have arrived."""
        with self._lock:
            for raw, sender in take_with_sender(self._subscription):
                try:
                    if len(raw) > LONGEST:
                        continue
                    claim = claim_from_json(_text_of(raw), sender)
                except (ValueError, struct.error):  # bytes that are no claim
                    continue
                mine = self.mine
                if mine is None or claim.key != mine.key:
                    self._take(claim)

    def rival(self) -> Claim | None:
        """Return who holds what this node would hold; None if it may hold it."""
        return next((claim for claim in self._winning() if not self._is_late(claim)), None)

    def late_rival(self) -> Claim | None:
        """Return who claims to have held for longer what this node has held for long."""
        return next((claim for claim in self._winning() if self._is_late(claim)), None)

    def check(self) -> None:
        """Raise CellHeldError where another node holds what this node would hold."""
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
        if self._holders(name):
            self._forget_ended()
        return not self._holders(name) or self._holds(name, sender)

    def is_holder(self, name: str, key: str) -> bool:
        """Return whether the claim with this key holds a topic now."""
        if any(claim.key == key for claim in self._holders(name)):
            return True
        self.poll()
        claim = self._others.get(key)
        if claim is None or not claim.active or name not in claim.names:
            return False
        self._forget_ended()
        return any(claim.key == key for claim in self._holders(name))

    def holder_of(self, name: str) -> str:
        """Return who holds a topic, for a person."""
        return self._named(name) or "nobody"

    def living_holder_of(self, name: str) -> str:
        """Return who holds a topic and still exists, for a person; empty: no node."""
        self.poll()
        if self._holders(name):
            self._forget_ended()
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
        if any(claim.state and not claim.active for claim in self._others.values()):
            self._forget_ended()
        claims = list(self._others.values())
        active = {c.holder for c in claims if c.active}  # a second node of its name is refused
        states = {
            c.holder: c.state
            for c in claims
            if not c.active and c.holder not in active and (c.needed or not needed)
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

    def _winning(self) -> list[Claim]:
        self.poll()
        mine = self.mine
        if mine is None or not any(claim.wins_over(mine) for claim in self._others.values()):
            return []
        self._forget_ended()
        return [claim for claim in self._others.values() if claim.wins_over(mine)]

    def _is_late(self, claim: Claim) -> bool:
        return self._arrived.get(claim.key, 0.0) - self._held_since > SETTLED

    def _publish(self, claim: Claim) -> None:
        if not claim.active:
            self._held_since = math.inf
        elif self.mine is None or not self.mine.active:
            self._held_since = time.monotonic()
        self.mine = claim
        self._publisher.publish(String(data=claim.to_json()))

    def _take(self, claim: Claim) -> None:
        """Keep a claim, in the order in which they became active."""
        known = self._others.get(claim.key)
        if known is not None and known.endpoint[:GUID_PREFIX] != claim.endpoint[:GUID_PREFIX]:
            self._forget_ended()
            if claim.key in self._others:
                return  # forged: the node with this key still exists
        if known is None:  # a publisher announces one claim
            same = [c for c in self._others.values() if c.endpoint == claim.endpoint != b""]
            for other in same:
                self._forget(other.key)
        others = dict(self._others)
        if known is not None and known.active != claim.active:
            del others[claim.key]
        if claim.key not in others:
            self._arrived[claim.key] = time.monotonic()
        self._others = {**others, claim.key: claim}

    def _holders(self, name: str) -> list[Claim]:
        """Return the claim that has held a topic for the longest time, if there is one."""
        for claim in self._others.values():
            if claim.active and name in claim.names:
                return [claim]
        return []

    def _holds(self, name: str, sender: bytes) -> bool:
        return any(c.endpoint[:GUID_PREFIX] == sender[:GUID_PREFIX] for c in self._holders(name))

    def _all_have_announced(self) -> bool:
        mine = int(self._publisher is not None)
        return bool(len(self._others) >= self._subscription.get_publisher_count() - mine)

    def _forget_ended(self) -> None:
        with self._lock:  # a claim that comes meanwhile is not among the endpoints below
            infos = self._node.get_publishers_info_by_topic(self._topic)
            alive = {bytes(info.endpoint_gid)[:GUID] for info in infos}
            for key, claim in self._others.items():
                if claim.endpoint and claim.endpoint[:GUID] not in alive:
                    self._forget(key)

    def _forget(self, key: str) -> None:
        self._others = {other: claim for other, claim in self._others.items() if other != key}
        self._arrived.pop(key, None)


def _text_of(raw: bytes) -> str:
    """Return the text of a std_msgs/String in CDR: four bytes of header, whose second is 1 for
    little endian, then the length and the text. Raises: ValueError, struct.error."""
    (length,) = struct.unpack_from("<I" if raw[1:2] == b"\x01" else ">I", raw, 4)
    return raw[8 : 8 + length].rstrip(b"\0").decode()
