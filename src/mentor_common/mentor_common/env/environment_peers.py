"""Who publishes what an agent waits for, and who of them is gone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from rclpy.node import Node

from mentor_common.env.ros_requests import EnvironmentLost
from mentor_common.messages import topics
from mentor_common.messages.topics import Topic
from mentor_common.node.claims import Claims
from mentor_common.node.peers import NOT_NAMED_YET, WARN_AFTER, by_qos, node_names

log = logging.getLogger("mentor.ros_env")


class EnvironmentPeers:
    """The publishers of observation and reward, and the subscribers of action.

    Args:
        node: asks the graph.
        resolve: gives a topic's name its namespace.
        claims: knows which nodes of the cell do not work.
    """

    def __init__(self, node: Node, resolve: Callable[[str], str], claims: Claims) -> None:
        self._node = node
        self._claims = claims
        self._topics: dict[str, Topic] = {
            node.resolve_topic_name(resolve(topic.name)): topic
            for topic in (topics.OBSERVATION, topics.REWARD)
        }
        self._actions = node.resolve_topic_name(resolve(topics.ACTION.name))
        self._known: dict[str, frozenset[bytes]] = {}
        self._names: dict[str, str] = {}

    def await_publishers(
        self, until: float, spin: Callable[[Callable[[], bool], float], None]
    ) -> None:
        """Wait until somebody publishes observations and rewards: a reward node that comes later
        would not have received the first motion.

        Args:
            until: time.monotonic() at which waiting ends.
            spin: serves callbacks until a condition holds or a time is reached.
        Raises: EnvironmentLost, with who is missing.
        """
        began, warned = time.monotonic(), False
        while unpublished := self._unpublished():
            now = time.monotonic()
            missing = list(unpublished.values())
            missing += [idle for idle in self._claims.idle() if idle not in "; ".join(missing)]
            if now >= until:
                raise EnvironmentLost(f"waited {now - began:.1f} s: {'; '.join(missing)}")
            if not warned and now - began > WARN_AFTER:
                warned = True
                log.warning("RosEnv has waited %.1f s: %s", now - began, "; ".join(missing))
            spin(lambda: False, min(until, now + 0.1))

    def remember(self) -> None:
        """Note who publishes now: a step that waits for one of these ends when it is gone."""
        for name, topic in self._topics.items():
            infos = self._node.get_publishers_info_by_topic(name)
            self._known[name] = frozenset(bytes(info.endpoint_gid) for info in infos)
            self._names[name] = f"the {topic.publisher}"
            self._learn_names(name, infos)

    def check(self, what: str) -> None:
        """Check that those who were remembered are still there.

        Args:
            what: what is waited for, for the error.
        Raises: EnvironmentLost, with who is gone.
        """
        for name, known in self._known.items():
            infos = self._node.get_publishers_info_by_topic(name)
            if known and known.isdisjoint(bytes(info.endpoint_gid) for info in infos):
                raise EnvironmentLost(
                    f"{self._names[name]}, which published {name}, is gone (waited for {what})"
                )
            self._learn_names(name, infos)
        if not self._node.count_subscribers(self._actions):
            raise EnvironmentLost(
                f"nobody receives {self._actions} any more, the {topics.MOTION.publisher} or "
                f"benchmark bridge is gone (waited for {what})"
            )

    def overdue(self, what: str, observation: bool, reward: bool) -> str:
        """Return why a step did not come about in time.

        Args:
            what: what was waited for.
            observation: whether the observation is missing.
            reward: whether the reward is missing.
        """
        reasons = []
        unpublished = self._unpublished()
        for (name, topic), missing in zip(self._topics.items(), (observation, reward), strict=True):
            if missing and name in unpublished:
                reasons.append(unpublished[name])
            elif missing:
                reasons.append(
                    f"{self._names.get(name, f'the {topic.publisher}')} is silent on {name}"
                )
        if not self._node.count_subscribers(self._actions):
            reasons.append(f"nobody receives {self._actions}")
        # Who is silent only waits for a node that does not work: that one is named.
        reasons = self._claims.inactive(needed=True) or reasons
        return f"no {what} in time: {'; '.join(reasons)}"

    def _unpublished(self) -> dict[str, str]:
        """Return why nobody publishes a topic so that it is received, by the topic's name."""
        found = {}
        for name, topic in self._topics.items():
            infos = self._node.get_publishers_info_by_topic(name)
            fitting, misfits = by_qos(infos, topic.qos)
            idle = self._claims.inactive(node_names(fitting))
            if fitting and len(idle) == len(fitting):
                found[name] = f"{', '.join(idle)}, who publishes {name}"
            elif not fitting:
                why = f"{'; '.join(misfits)}, and nobody else publishes" if misfits else ""
                found[name] = f"{why or 'nobody publishes'} {name} (usually the {topic.publisher})"
        return found

    def _learn_names(self, topic: str, infos: list[Any]) -> None:
        """Keep the names of a topic's nodes; discovery reports them later than publishers."""
        nodes = set(node_names(infos)) - {NOT_NAMED_YET}
        if nodes:
            self._names[topic] = ", ".join(sorted(nodes))
