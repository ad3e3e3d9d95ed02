"""What a replay has recorded of each step, and waits for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from mentor_common.messages.join import StepJoin
from mentor_recorder.replay.compare import Difference
from mentor_recorder.replay.tally import Tally

Key = tuple[int, int]


RECORDED, MADE = "recorded", "made"
PENDING = 1024
"""Steps of which one of the two messages is waited for; beyond it those that waited longest go."""


class Expected:
    """The comparison of one topic, from two threads: one feeds what was recorded, one what comes.

    Args:
        tally: counts what is found.
        compare: gives the differences of a recorded and a replayed message.
        refusal: why a replayed message cannot be compared, or None.
    """

    def __init__(
        self,
        tally: Tally,
        compare: Callable[[Any, Any], list[Difference]],
        refusal: Callable[[Any], str | None] = lambda _: None,
    ) -> None:
        self.tally = tally
        self.refusal = refusal
        self._differences = compare
        self.join = StepJoin((MADE, RECORDED), pending=PENDING)
        self._cancelled = False
        self._changed = threading.Condition()

    def record(self, key: Key, message: Any) -> None:
        """Take in what the bag has of a step."""
        self._add(RECORDED, key, message)

    def come(self, key: Key, message: Any) -> None:
        """Take in what a node has made of a step."""
        self._add(MADE, key, message)

    def ignore(self, key: Key, reason: str) -> None:
        """Leave a step out of the comparison."""
        with self._changed:
            self.tally.skip(reason)
            self.join.add(RECORDED, *key, None)
            self.join.finish(*key)

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
                waiting := [key for key in self._outstanding() if key != later]
            ):
                left = until - time.monotonic()
                if left <= 0.0:
                    self.tally.missing += waiting
                    return False
                self._changed.wait(left)
        return True

    def settle(self, key: Key, seconds: float) -> None:
        """Wait until a step is not outstanding; later it may still come."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._cancelled or key not in self._outstanding(), seconds
            )

    def cancel(self) -> None:
        """End every wait, and wait no more."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def end(self) -> None:
        """Count what arrived but was not recorded."""
        with self._changed:
            unexpected = [w.key for w in self.join if RECORDED not in w.parts]
            self.tally.additional += unexpected
            self.join.drop(lambda key: key in unexpected)

    def _outstanding(self) -> list[Key]:
        """Return the steps that were recorded and may still come in time."""
        return [
            waiting.key
            for waiting in self.join
            if RECORDED in waiting.parts and waiting.key not in self.tally.missing
        ]

    def _add(self, part: str, key: Key, message: Any) -> None:
        with self._changed:
            self.join.add(part, *key, message)
            for joined in self.join.collect():
                if joined.key in self.tally.missing:
                    self.tally.missing.remove(joined.key)
                self._compare(joined.key, joined.parts[RECORDED], joined.parts[MADE])
            self._changed.notify_all()

    def _compare(self, key: Key, recorded: Any, replayed: Any) -> None:
        reason = self.refusal(replayed)
        if reason:
            self.tally.skip(reason)
        else:
            self.tally.add(*key, self._differences(recorded, replayed))
