"""Whether the nodes of a replay have found the topics that are played to them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from diagnostic_msgs.msg import DiagnosticArray


class Readiness:
    """Reads from diagnostics which nodes do not know yet who publishes what they read.

    That a publisher is matched with a subscription does not mean that the subscription knows the
    publisher: until it does, an image is lost. Only the node itself knows, and it does so once a
    second.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, str] = {}

    def add(self, message: DiagnosticArray) -> None:
        """Take a report of some nodes."""
        for status in message.status:
            values = {value.key: value.value for value in status.values}
            if "waiting for" in values:
                active = values.get("state") == "active"
                waiting = values["waiting for"] if active else f"not active: {values.get('state')}"
                self._waiting[status.hardware_id] = waiting

    def missing(self, nodes: Iterable[str], topics: Collection[str]) -> list[str]:
        """Return who is not ready, and why, as one text each.

        Args:
            nodes: full names of those that must be ready.
            topics: full names of what is played.
        """
        texts = []
        for node in nodes:
            waiting = self._waiting.get(node)
            if waiting is None:
                texts.append(f"{node} has not reported yet")
            elif waiting.startswith("not active"):
                texts.append(f"{node} is {waiting}")
            else:
                unknown = [topic for topic in topics if _names(waiting, topic)]
                if unknown:
                    texts.append(f"{node} has not found who publishes {', '.join(unknown)}")
        return texts


def _names(waiting: str, topic: str) -> bool:
    return re.search(rf"publishes {re.escape(topic)}(?![\w/])", waiting) is not None
