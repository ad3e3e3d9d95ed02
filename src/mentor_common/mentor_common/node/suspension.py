"""Restart a node that its peers do not receive any more, because its process was suspended.

A process that is suspended for longer than the lease of its DDS participant (SIGSTOP, a machine
that swaps) is removed by its peers, while it removes none of them. When it continues, Fast DDS
(3.2) mostly connects both again within three seconds, but not always: one of them may never see the
other again, or two of the others each other. So a node asks its peers, once it continues, whether
they receive it, and whoever is asked asks in turn; if one does not answer, the node that asked it
needs a new participant.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from mentor_common.node.claims import Claims

SUSPENDED = 2.0
"""Seconds without a poll after which peers may have forgotten this process: a lease is 3 s."""
PATIENCE = 6.0
"""Seconds for which answers are waited for: twice what it takes where it works."""
LONGER_PATIENCE = 8.0
"""The same where another node was suspended."""
PAUSE = 30.0
"""Seconds after its last question before a node asks again because another one has asked."""
RECOUNT = 2.0
"""Interval at which the list of peers is updated, seconds."""


class Suspension:
    """Notices that its process or another one was suspended, and then asks its peers.

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
        self._asked = -PAUSE
        self._elsewhere = False

    def poll(self) -> list[str]:
        """Answer others; return the nodes that have not answered in time, once.

        To be called often: a longer time between two calls counts as a suspension.
        """
        now = self._clock()
        suspended = now - self._polled > SUSPENDED
        self._polled = now
        self._claims.answer()
        asked_by_others = self._claims.newly_asked()
        if suspended:
            self._ask(now, PATIENCE)
        elif asked_by_others and not self._awaited and now - self._asked >= PAUSE:
            self._ask(now, LONGER_PATIENCE)
            self._elsewhere = True
        elif now - self._counted >= RECOUNT and not self._awaited:
            self._peers, self._counted = self._claims.nodes(), now
        self._awaited = {
            key: name for key, name in self._awaited.items() if not self._claims.answered(key, name)
        }
        if not self._awaited or now < self._until:
            return []
        silent = self._awaited
        if self._elsewhere:  # who has ended meanwhile need not answer
            there = self._claims.nodes()
            silent = {key: name for key, name in silent.items() if key in there}
        self._awaited = {}
        return sorted(silent.values())

    def restart(self) -> None:
        """Start again: a long time since the last poll was no suspension."""
        self._polled, self._awaited, self._counted = self._clock(), {}, -RECOUNT
        self._claims.newly_asked()

    def _ask(self, now: float, patience: float) -> None:
        self._awaited, self._until = dict(self._peers), now + patience
        self._asked, self._elsewhere = now, False
        self._claims.ask()
