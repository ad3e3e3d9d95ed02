"""Records of a ring that are skipped since they are damaged: counted and named."""

from __future__ import annotations

import logging
import time
from pathlib import Path

REPORT_PERIOD = 1.0
"""Seconds between two log lines at least."""
NAMED = 50
"""Records that one line names at most."""

_log = logging.getLogger(__name__)


class Damage:
    """Keeps account of records that are skipped.

    Args:
        folder: folder of the ring, for the log lines.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reported = -REPORT_PERIOD
        self.records: dict[int, str] = {}
        """What is wrong, by number of the record."""
        self.refused = 0
        """Steps that were marked as not to be learned from, since they were not finite."""

    def skip(self, number: int, reason: str) -> None:
        """Count a record as damaged, and name it."""
        if number not in self.records:
            self.records[number] = reason
            self._report(
                f"record {number} {reason}: it is skipped, the others stay "
                f"({len(self.records)} skipped so far)"
            )

    def name_all(self) -> None:
        """Name the records that are damaged so far, where only the first one was."""
        if len(self.records) > 1:
            numbers = sorted(self.records)
            shown = ", ".join(map(str, numbers[:NAMED])) + ", ..." * (len(numbers) > NAMED)
            _log.warning(
                "replay ring %s: %d records are skipped: %s", self._folder, len(numbers), shown
            )

    def refuse(self, what: str) -> None:
        """Count a step whose numbers cannot be learned from, and name it."""
        self.refused += 1
        self._report(f"{what}; nothing is learned from this step ({self.refused} so far)")

    def _report(self, text: str) -> None:
        if time.monotonic() - self._reported >= REPORT_PERIOD:
            self._reported = time.monotonic()
            _log.warning("replay ring %s: %s", self._folder, text)
