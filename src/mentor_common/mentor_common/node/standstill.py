"""Has a node begin anew that its peers do not receive any more since it stood still.

A process that stands still for longer than its lease (SIGSTOP, a machine that swaps) is forgotten
by its peers, while it forgets none of them. When it goes on, Fast DDS (3.2) mostly connects both
again within three seconds, but not always: one of them may never see the other again. So a node
asks its peers, once it goes on, whether they receive it; whoever is not answered needs a new
participant.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from mentor_common.node.claims import Claims

STANDSTILL = 2.0
"""Seconds without a poll after which peers may have forgotten this process: a lease is 3 s."""
PATIENCE = 6.0
"""Seconds for which answers are waited for: twice what it takes where it works."""
RECOUNT = 2.0
"""Seconds after which it is found out anew which peers there are."""


class Standstill:
    """Notices that its process stood still, and then asks its peers.

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

        To be called often: a longer time between two calls is a standstill.
        """
        now = self._clock()
        stood_still = now - self._polled > STANDSTILL
        self._polled = now
        self._claims.answer()
        if stood_still:
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
        """Begin anew: what took long before was no standstill."""
        self._polled, self._awaited, self._counted = self._clock(), {}, -RECOUNT
