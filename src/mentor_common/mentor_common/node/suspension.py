"""Restart a node that its peers do not receive any more, because its process was suspended.

A process that is suspended for longer than the lease of its DDS participant (SIGSTOP, a machine
that swaps) is removed by its peers, while it removes none of them. When it continues, Fast DDS
(3.2) mostly connects both again within three seconds, but not always: one of them may never see the
other again. So a node asks its peers, once it continues, whether they receive it; if one does not
answer, the node needs a new participant.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from mentor_common.node.claims import Claims

SUSPENDED = 2.0
"""Seconds without a poll after which peers may have forgotten this process: a lease is 3 s."""
PATIENCE = 6.0
"""Seconds for which answers are waited for: twice what it takes where it works."""
RECOUNT = 2.0
"""Interval at which the list of peers is updated, seconds."""


class Suspension:
    """Notices that its process was suspended, and then asks its peers.

    Args:
        claims: of the node, by which it asks and answers.
        clock: seconds, for the tests.
    """

    def __init__(self, claims: Claims, clock: Callable[[], float] = time.monotonic) -> None:
        self._claims, self._clock = claims, clock
        self._polled = clock()
        self._counted = -RECOUNT
        self._peers: dict[str, str] = {}
        self._awaited: dict[str, str] = {}
        self._until = 0.0

    def poll(self) -> list[str]:
        """Answer others; return the nodes that have not answered in time, once.

        To be called often: a longer time between two calls counts as a suspension.
        """
        now = self._clock()
        suspended = now - self._polled > SUSPENDED
        self._polled = now
        self._claims.answer()
        if suspended:
            self._awaited, self._until = dict(self._peers), now + PATIENCE
            self._claims.ask()
        elif now - self._counted >= RECOUNT and not self._awaited:
            self._peers, self._counted = self._claims.nodes(), now
        self._awaited = {
            key: name for key, name in self._awaited.items() if not self._claims.answered(key, name)
        }
        if not self._awaited or now < self._until:
            return []
        silent = sorted(self._awaited.values())
        self._awaited = {}
        return silent

    def restart(self) -> None:
        """Start again: a long time since the last poll was no suspension."""
        self._polled, self._awaited, self._counted = self._clock(), {}, -RECOUNT
