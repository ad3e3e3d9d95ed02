"""Numbers of episodes: unique without a clock, and without an order between two servers."""

from __future__ import annotations

import secrets

COUNTER_BITS = 32
"""Low bits of a number: they count the episodes of one server, from 1."""
SESSION_BITS = 31
"""High bits of a number: chosen by a server of ``reset_episode`` when it starts."""


class EpisodeNumbers:
    """Draws the numbers of one server's episodes.

    Args:
        session: the high bits, from 1 to 2^31 - 1; None draws them at random, so that a server that
            is started again repeats no number, whatever its clock shows.
    Raises: ValueError for a session out of range.
    """

    def __init__(self, session: int | None = None) -> None:
        if session is None:
            session = 1 + secrets.randbelow(2**SESSION_BITS - 1)
        if not 1 <= session < 2**SESSION_BITS:
            raise ValueError(f"episode numbers: session is {session}, must be from 1 to 2^31 - 1")
        self._next = (session << COUNTER_BITS) + 1

    def next(self) -> int:
        """Return the number of a new episode."""
        number = self._next
        self._next += 1
        return number


def session_of(episode: int) -> int:
    """Return the high bits of an episode's number: those of the server that began it."""
    return episode >> COUNTER_BITS


def follows(episode: int, earlier: int) -> bool:
    """Return whether ``episode`` is the one that the same server began next after ``earlier``."""
    return episode == earlier + 1 and session_of(episode) == session_of(earlier)
