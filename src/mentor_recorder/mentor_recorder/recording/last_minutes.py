"""The last minutes of a cell in memory, to be written out when something has gone wrong."""

from __future__ import annotations

from collections import deque

from mentor_common.bags.metadata import BagTopic
from mentor_recorder.recording.received import Received


class LastMinutes:
    """A ring of messages, bounded by age and by size.

    Args:
        seconds: age (wall time) above which a message is let go.
        limit_bytes: size of all messages above which the oldest are let go before their time.
    """

    def __init__(self, seconds: float, limit_bytes: int) -> None:
        self._seconds = seconds
        self._limit = limit_bytes
        self._messages: deque[Received] = deque()
        self._latched: dict[str, Received] = {}
        self.topics: dict[str, BagTopic] = {}
        self.bytes = 0
        """Size of the messages that are held."""

    @property
    def span(self) -> float:
        """Seconds between the oldest and the newest message that is held."""
        if not self._messages:
            return 0.0
        return (self._messages[-1].log_time - self._messages[0].log_time) / 1e9

    def put(self, message: Received) -> None:
        """Take a message in, and drop what is too old or too much."""
        self._messages.append(message)
        self.bytes += len(message.data)
        oldest_allowed = message.log_time - int(self._seconds * 1e9)
        while self._messages and (
            self._messages[0].log_time < oldest_allowed or self.bytes > self._limit
        ):
            gone = self._messages.popleft()
            self.bytes -= len(gone.data)
            if "transient_local" in self.topics[gone.topic].qos:
                self._latched[gone.topic] = gone  # e.g. the robot's description: published once

    def snapshot(self) -> list[Received]:
        """Return what is held, oldest first, and before it the last transient local message of a
        topic."""
        return [*self._latched.values(), *self._messages]
