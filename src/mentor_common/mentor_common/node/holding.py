"""What a node holds in its cell: its name, and the topics that nobody else may publish."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mentor_common.messages.topics import Interface, Topic
from mentor_common.node.claim import held_text
from mentor_common.node.claims import EXCLUSIVE, Claims
from mentor_common.node.direct_reader import sender_of
from mentor_common.node.goal_senders import GoalSenders
from mentor_common.node.suspension import Suspension
from mentor_common.node.working_node import WorkingNode


class Holding:
    """Claims what a node holds, from its configuration to its cleanup.

    Args:
        node: node that holds it.
        needed: whether steps wait for it, so that others name it while it does not work.
    """

    def __init__(self, node: WorkingNode, needed: bool = True) -> None:
        self._needed = needed
        self._node = node
        self._claims = Claims(node)
        self._suspension = Suspension(self._claims)
        self._names: set[str] = set()

    def add(self, topic: Topic) -> None:
        """Note that the node is to publish a topic."""
        if topic.name in EXCLUSIVE:
            self._names.add(self._node.resolve_topic_name(topic.name))

    def announce(self, active: bool) -> None:
        """Tell the others of the cell."""
        name = self._node.full_name
        state = "active" if active else "inactive"
        names = {*self._names, f"the name {name}"}
        self._claims.announce(name, names, active, state, self._needed)

    def prepare(self) -> None:
        """Claim what is known so far. Raises: CellHeldError where somebody else holds it."""
        self.announce(active=False)
        self._claims.settle()
        self._claims.check()

    def begin(self) -> None:
        """Hold it from now on. Raises: CellHeldError where somebody else does."""
        self.prepare()
        self.announce(active=True)
        self._suspension.restart()

    def lost(self) -> str:
        """Return why the node must end, as somebody else was there first; empty if not."""
        mine, rival = self._claims.mine, self._claims.rival()
        if mine is not None and rival is not None:
            return held_text(mine, rival)
        late = self._claims.late_rival()
        if mine is not None and late is not None:
            self._node.get_logger().warning(
                f"{late.holder} ({late.process}) claims "
                f"{', '.join(sorted(mine.names & late.names))}, which this node has held for "
                "longer: it continues",
                throttle_duration_sec=5.0,
            )
        return ""

    def unanswered(self) -> list[str]:
        """Return the nodes that do not answer this one since one was suspended; to be polled."""
        return self._suspension.poll()

    def permits(self, topic: str, sender: bytes) -> bool:
        """Return whether a message comes from the holder of a topic, if it has one; log if not.

        Args:
            topic: full name.
            sender: identifier of the message's publisher.
        """
        if self._claims.permits(topic, sender):
            return True
        self._node.get_logger().warning(
            f"a message on {topic} is dropped: {self._claims.holder_of(topic)} holds the cell, and "
            "did not send it",
            throttle_duration_sec=5.0,
        )
        return False

    def inactive(self, nodes: Iterable[str] | None = None) -> list[str]:
        """Return which of these nodes, or of all of the cell, do not work, as one text each."""
        return self._claims.idle() if nodes is None else self._claims.inactive(nodes)

    def permits_info(self, topic: str, info: Mapping[str, Any]) -> bool:
        """Do as :meth:`permits`, given what rclpy knows of the message."""
        return self.permits(topic, sender_of(info))

    @property
    def key(self) -> str | None:
        """The key of the node's claim, which marks its goals; None while it claims nothing."""
        return self._claims.mine.key if self._claims.mine else None

    def senders(self, action: Interface) -> GoalSenders:
        """Return what distinguishes goals of the cell's holder from those of others."""
        topic = self._node.resolve_topic_name(action.caller.name) if action.caller else ""
        return GoalSenders(self._claims, topic, action.exclusive)

    def clear(self) -> None:
        """Hold nothing; the publishers of the node are about to be destroyed."""
        self._names.clear()
        self._claims.withdraw()
