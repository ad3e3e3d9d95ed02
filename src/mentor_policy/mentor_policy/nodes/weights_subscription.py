"""The actor's subscription to ``policy_weights``: received raw, checked in a thread of its own."""

from __future__ import annotations

import queue
import time

from rclpy.subscription import MessageInfo

from mentor_common.messages import topics
from mentor_common.messages.cdr import CdrError
from mentor_common.node import health
from mentor_common.node.cell_node import CellNode
from mentor_common.node.peers import Peer
from mentor_policy.distributed.follower import WeightsFollower
from mentor_policy.distributed.weights import WeightsError
from mentor_policy.nodes.weights_message import read_weights


class WeightsSubscription:
    """Brings weights to a follower, and reports how old they are and which were refused.

    Args:
        node: node of the actor; to be made in its ``configure``.
    """

    def __init__(self, node: CellNode) -> None:
        self._node = node
        self._follower: WeightsFollower | None = None
        self._incoming: queue.Queue[tuple[bytes, bytes]] = queue.Queue(maxsize=1)
        self._refused_at = 0.0
        topic = topics.POLICY_WEIGHTS
        self._name = node.resolve_topic_name(topic.name)
        # Received while inactive too: transient local weights come only once. Raw: the client
        # library's reader trusts the lengths in a message of anybody.
        node.create_subscription(topic.type, topic.name, self._on_message, topic.qos, raw=True)
        self._learner = node.peers.publisher_of(topic, required=False)
        node.peers.on_loss(self._on_loss)
        self._version = node.health.gauge("weights version")
        self._age = node.health.gauge("weights age", "s")
        self._refused = node.health.gauge("weights refused", limits=health.Limits(warn_above=0))
        node.timer(1.0, self._report, wall=True)

    @property
    def learner_away(self) -> bool:
        """Whether nobody publishes weights."""
        return bool(self._learner.missing)

    @property
    def in_use(self) -> str:
        """The weights in use, as text."""
        follower = self._follower
        if follower is None or not follower.version:
            return "none (untrained)"
        return f"{follower.version} ({follower.update} updates)"

    @property
    def run_id(self) -> str:
        """The run that is followed; empty before the first weights."""
        return "" if self._follower is None else self._follower.run_id

    def follow(self, follower: WeightsFollower) -> None:
        """Begin to check what comes, in a worker of the node."""
        self._follower = follower
        self._node.start_worker("weights", self._check)

    def refuse(self, reason: str) -> None:
        """Report weights that were refused; at most one line a second, a stranger may send many."""
        self._node.health.problem("weights", health.WARN, f"weights refused: {reason}")
        if time.monotonic() - self._refused_at >= 1.0:
            self._refused_at = time.monotonic()
            self._node.get_logger().error(f"weights refused: {reason}")

    def _on_message(self, data: bytes, info: MessageInfo) -> None:
        # Only the newest is of use: it takes the place of one that still waits.
        publisher = bytes((info["publisher_gid"] or {}).get("data", b""))
        while True:
            try:
                return self._incoming.put_nowait((data, publisher))
            except queue.Full:
                try:
                    self._incoming.get_nowait()
                except queue.Empty:
                    continue

    def _check(self) -> None:
        assert self._follower is not None
        while not self._node.stopping.is_set():
            try:
                data, publisher = self._incoming.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                notice = self._follower.offer(read_weights(data), publisher, self._is_gone)
                self._node.health.solved("weights")
                if notice:
                    self._node.get_logger().warning(notice)
            except (WeightsError, CdrError) as error:
                self.refuse(str(error))

    def _is_gone(self, publisher: bytes) -> bool:
        infos = self._node.get_publishers_info_by_topic(self._name)
        return publisher not in [bytes(info.endpoint_gid) for info in infos]

    def _on_loss(self, peer: Peer) -> None:
        if peer is self._learner:
            self._node.get_logger().warning(
                f"the learner is away; continues acting with weights {self.in_use} and follows it "
                "again when it is back"
            )

    def _report(self) -> None:
        follower = self._follower
        if follower is None:
            return
        self._version.set(follower.version)
        self._refused.set(follower.refused)
        if follower.came is not None:
            self._age.set(time.monotonic() - follower.came)
        if self._learner.missing:
            self._node.health.problem(
                "old weights",
                health.WARN,
                f"the learner is away for {self._learner.waited():.0f} s: acts with weights "
                f"{self.in_use}",
            )
        else:
            self._node.health.solved("old weights")
