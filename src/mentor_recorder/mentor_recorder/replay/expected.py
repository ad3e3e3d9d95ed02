"""What a replay has recorded of each step, and waits for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mentor_recorder.replay.compare import Difference
from mentor_recorder.replay.tally import Tally

Key = tuple[int, int]


@dataclass
class Expected:
    """The comparison of one topic, from two threads: one feeds what was recorded, one what comes.

    Args:
        tally: counts what is found.
        compare: gives the differences of a recorded and a replayed message.
        refusal: why a replayed message cannot be compared, or None.
    """

    tally: Tally
    compare: Callable[[Any, Any], list[Difference]]
    refusal: Callable[[Any], str | None] = lambda _: None
    _recorded: dict[Key, Any] = field(default_factory=dict)
    _early: dict[Key, Any] = field(default_factory=dict)
    _late: dict[Key, Any] = field(default_factory=dict)
    """Steps that count as missing until they come after all."""
    _ignored: set[Key] = field(default_factory=set)
    _cancelled: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def record(self, key: Key, message: Any) -> None:
        """Take in what the bag has of a step."""
        with self._changed:
            if key in self._early:
                self._compare(key, message, self._early.pop(key))
            else:
                self._recorded[key] = message

    def ignore(self, key: Key, reason: str) -> None:
        """Leave a step out of the comparison."""
        with self._changed:
            self.tally.skip(reason)
            self._ignored.add(key)
            self._early.pop(key, None)

    def come(self, key: Key, message: Any) -> None:
        """Take in what a node has made of a step."""
        with self._changed:
            if key in self._ignored:
                return
            if key in self._recorded:
                self._compare(key, self._recorded.pop(key), message)
                self._changed.notify_all()
            elif key in self._late:
                self.tally.missing.remove(key)
                self._compare(key, self._late.pop(key), message)
            else:
                self._early[key] = message

    def wait(self, seconds: float, later: Key | None = None) -> bool:
        """Wait until nothing that was recorded is outstanding.

        What is then counts as missing, until it comes.

        Args:
            seconds: seconds of wall time.
            later: a step that is not waited for: its motion comes next.
        """
        until = time.monotonic() + seconds
        with self._changed:
            while not self._cancelled and (
                waiting := [key for key in self._recorded if key != later]
            ):
                left = until - time.monotonic()
                if left <= 0.0:
                    self.tally.missing += waiting
                    for key in waiting:
                        self._late[key] = self._recorded.pop(key)
                    return False
                self._changed.wait(left)
        return True

    def settle(self, key: Key, seconds: float) -> None:
        """Wait until a step is not outstanding; later it may still come."""
        with self._changed:
            self._changed.wait_for(lambda: self._cancelled or key not in self._recorded, seconds)

    def cancel(self) -> None:
        """End every wait, and wait no more."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def end(self) -> None:
        """Count what arrived but was not recorded."""
        with self._changed:
            self.tally.additional += list(self._early)
            self._early.clear()

    def _compare(self, key: Key, recorded: Any, replayed: Any) -> None:
        reason = self.refusal(replayed)
        if reason:
            self.tally.skip(reason)
        else:
            self.tally.add(*key, self.compare(recorded, replayed))
