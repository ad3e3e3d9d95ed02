"""A recording under way: a thread that writes what it is given, and outlives a disk that refuses.

Whoever gives it messages never waits for the disk. What the disk refuses is counted and reported;
recording continues in a further bag as soon as the disk lets it.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from mentor_common.bags.mcap_file import BagWriteError
from mentor_common.bags.metadata import BagTopic
from mentor_common.bags.writer import BagWriter, Splitting
from mentor_recorder.bags.parameters import write_parameters
from mentor_recorder.recording.received import Received

FLUSH_PERIOD = 0.25
"""Seconds of wall time after which what was received is handed to the operating system.

A kill is to cost less than the last second, on a busy machine too, where the thread that does it
waits for its turn.
"""
WAKE_BYTES = 4 << 20
"""What waits before it is written ahead of the next flush."""
RETRY_PERIOD = 10.0
"""Seconds of wall time after which a refusing disk is tried again."""


class Recording:
    """Writes bags into a folder.

    Args:
        folder: folder of the first bag; further ones, after an error, are called ``<folder>-2`` and
            so on.
        splitting: when a file of a bag ends.
        compression: zstd, lz4 or none.
        buffer_bytes: what waits for the disk at most; more is dropped and counted.
        report: called with one line when recording stops, continues, or drops.
    """

    def __init__(
        self,
        folder: Path,
        splitting: Splitting,
        compression: str,
        buffer_bytes: int,
        report: Callable[[str, bool], None],
    ) -> None:
        self._folder = folder
        self._splitting, self._compression = splitting, compression
        self._buffer_bytes = buffer_bytes
        self._report = report
        self._waiting: deque[Received] = deque()
        self._waiting_bytes = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = False
        self._topics: dict[str, BagTopic] = {}
        self._records: dict[str, dict[str, str]] = {}
        self._writer: BagWriter | None = None
        self._bags = 0
        self._retry_at = 0.0
        self._missing = 0
        self.messages = 0
        """Messages that were written."""
        self.bytes = 0
        """Their size, uncompressed."""
        self.lost = 0
        """Messages that were received and are in no bag."""
        self.problem = ""
        """Why nothing is written now; empty: it is."""
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path:
        """The bag that is being written, or would be."""
        return self._numbered(max(self._bags, 1))

    def add_topic(self, topic: BagTopic) -> None:
        """Make a topic known; must precede its messages."""
        with self._lock:
            self._topics[topic.name] = topic

    def add_record(self, name: str, values: dict[str, str]) -> None:
        """Add a metadata record; the last of a name wins."""
        with self._lock:
            self._records[name] = dict(values)
        self._wake.set()

    def put(self, messages: Sequence[Received]) -> None:
        """Take messages in; never waits."""
        with self._lock:
            for message in messages:
                if self._waiting_bytes + len(message.data) > self._buffer_bytes:
                    self.lost += 1
                    self._missing += 1
                    continue
                self._waiting.append(message)
                self._waiting_bytes += len(message.data)
            waits = self._waiting_bytes > WAKE_BYTES
        if waits:
            self._wake.set()

    def close(self, timeout: float = 30.0) -> None:
        """Write what waits, close the bag durably, end the thread."""
        self._stop = True
        self._wake.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        flush_at = time.monotonic() + FLUSH_PERIOD
        while True:
            stopping = self._stop
            self._drain()
            now = time.monotonic()
            if now >= flush_at or stopping:
                flush_at = now + FLUSH_PERIOD
                self._try(self._flush)
            if stopping:
                self._try(self._close)
                return
            self._wake.wait(max(0.0, flush_at - now))
            self._wake.clear()

    def _drain(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, deque()
            self._waiting_bytes = 0
            topics, records = dict(self._topics), dict(self._records)
        written = 0

        def write() -> None:
            nonlocal written
            writer = self._writer
            assert writer is not None
            for topic in topics.values():
                writer.add_topic(topic)
            for name, values in records.items():
                if writer.add_record(name, values):
                    write_parameters(writer.folder, json.loads(values.get("parameters", "{}")))
            for message in batch:
                writer.write(*message)
                written += 1
                self.messages += 1
                self.bytes += len(message.data)

        if self._open():
            self._try(write)
        self.lost += len(batch) - written
        self._missing += len(batch) - written

    def _open(self) -> bool:
        """Return whether there is a bag to write into, after trying to begin one if it is time."""
        if self._writer is not None:
            return True
        now = time.monotonic()
        if now < self._retry_at:
            return False
        self._retry_at = now + RETRY_PERIOD
        again = bool(self.problem)
        try:
            self._bags += 1
            while self._numbered(self._bags).exists() and self._bags < 10_000:
                self._bags += 1
            self._writer = BagWriter(self._numbered(self._bags), self._splitting, self._compression)
        except OSError as error:
            self._bags -= 1
            self._stopped(error)
            return False
        if again:
            self._report(
                f"recording continues in {self.path}; {self._missing} messages are in no bag", False
            )
        self.problem, self._missing = "", 0
        return True

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # whatever it is, the thread lives on and says so
            self._stopped(error)

    def _stopped(self, error: Exception) -> None:
        writer, self._writer = self._writer, None
        cut_off = 0
        if writer is not None:
            cut_off = writer.unflushed
            writer.abandon()
        self.messages -= cut_off
        self.lost += cut_off
        self._missing += cut_off
        reason = str(error) if isinstance(error, BagWriteError) else f"{self.path}: {error!r}"
        if not self.problem:
            before = f", nor are the last {cut_off} messages" if cut_off else ""
            self._report(
                f"recording has stopped, training continues; nothing from now on is in a bag"
                f"{before}: {reason}", True,
            )  # fmt: skip
        self.problem = reason
        self._retry_at = time.monotonic() + RETRY_PERIOD

    def _flush(self) -> None:
        if self._writer is None:
            return
        before = len(self._writer.deleted)
        self._writer.flush()
        if before == 0 and self._writer.deleted:
            self._report("the bag has reached its limit: its oldest files are deleted", False)
        if self._missing and not self.problem:
            self._report(
                f"the disk is too slow for this recording: {self._missing} messages are missing",
                True,
            )
            self._missing = 0

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _numbered(self, number: int) -> Path:
        return (
            self._folder if number <= 1 else self._folder.with_name(f"{self._folder.name}-{number}")
        )
