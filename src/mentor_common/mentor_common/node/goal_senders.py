"""Who sent a goal: whoever holds a cell marks the ids of its goals with the key of its claim.

The client library does not tell an action server who sent a goal, but leaves the choice of the
goal's id to whoever sends it.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable

from unique_identifier_msgs.msg import UUID

from mentor_common.node.claims import Claims

KEY = 8
"""Bytes of a goal's id, of 16, that are the key of a claim."""
FLOOD = 10
"""Goals within a second that are a flood."""


def goal_id(key: str | None) -> UUID:
    """Return an id for a goal of whoever has a claim with this key; None: of nobody."""
    begin = bytes.fromhex(key) if key else secrets.token_bytes(KEY)
    return UUID(uuid=list(begin + secrets.token_bytes(16 - KEY)))


class GoalSenders:
    """Distinguishes the goals of whoever holds a cell from those of others.

    Args:
        claims: claims of the node that serves the action.
        topic: full name of the topic whose holder sends the goals; empty: there is none.
        exclusive: whether goals of others are refused while somebody holds the topic.
        clock: seconds, for the tests.

    A flood of others' goals is not let through, until there have been few for a second.
    """

    def __init__(
        self,
        claims: Claims,
        topic: str,
        exclusive: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._claims, self._topic, self._exclusive = claims, topic, exclusive
        self._clock = clock
        self._latest: deque[float] = deque(maxlen=FLOOD)

    def by_holder(self, goal: bytes) -> bool:
        """Return whether a goal with this id comes from the holder."""
        return bool(self._topic) and self._claims.is_holder(self._topic, goal[:KEY].hex())

    def lets_through(self, goal: bytes) -> bool:
        """Return whether a goal with this id is looked at, or belongs to a flood."""
        if self.by_holder(goal):
            return True
        now = self._clock()
        flood = len(self._latest) == FLOOD and now - self._latest[0] < 1.0
        self._latest.append(now)
        return not flood

    def refusal(self, goal: bytes) -> str:
        """Return why a goal with this id is refused for its sender; empty: it is not."""
        if not self._exclusive or self.by_holder(goal):
            return ""
        holder = self._claims.living_holder_of(self._topic)
        return f"{holder} holds the cell, and did not send it" if holder else ""
