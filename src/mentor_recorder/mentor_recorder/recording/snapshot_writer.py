"""Writes a snapshot of the last minutes as a bag, the newest messages first.

The node may be told to end before all is written, and the fault lies in the newest messages. So the
snapshot is written in parts from its end backwards. Each part is a file of its own, which is whole
as soon as it is written, and the bag lists its files in the order of time.
"""

from __future__ import annotations

import contextlib
import json
import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from mentor_common.bags.mcap_file import McapFile, refused
from mentor_common.bags.metadata import BagTopic, bag_information, write_metadata
from mentor_common.bags.writer import require_room
from mentor_recorder.bags.parameters import write_parameters
from mentor_recorder.recording.received import Received

FIRST_BYTES = 4 << 20
"""Size of the newest part; each further one has twice the size of the one before it."""
PART_BYTES = 32 << 20
"""Size of a part at most: as much as this is given up when the time is up."""


class SnapshotWriter:
    """Writes a snapshot into a new bag, on a worker thread; any thread may ask how far it is.

    Args:
        folder: folder of the bag; if there is one of this name, a number is added.
        messages: oldest first.
        topics: topics of the messages.
        records: metadata records.
        compression: zstd, lz4 or none.
    """

    def __init__(
        self,
        folder: Path,
        messages: list[Received],
        topics: dict[str, BagTopic],
        records: dict[str, dict[str, str]],
        compression: str = "zstd",
    ) -> None:
        self._folder, self._messages = folder, messages
        self._topics, self._records = topics, records
        self._compression = compression
        self._files: list[McapFile] = []
        self._until: Callable[[], float] = lambda: math.inf
        self._done = False
        self.path: Path | None = None
        """Folder of the bag; None: it is not made yet."""
        self.written = 0
        """Messages in the files that are whole."""
        self.error = ""
        """Why not all messages are written, although there was time; empty: nothing has failed."""

    def run(self, until: Callable[[], float] = lambda: math.inf) -> None:
        """Write the bag. What the disk refuses is left in ``error``.

        Args:
            until: returns the time (``time.monotonic()``) at which writing is to end, which may
                change meanwhile; inf: when everything is written, durably. Without the time for
                everything the bag has the newest messages, and of each transient local topic the
                last message at least.
        """
        self._until = until
        try:
            self.path = self._new_folder()
            self._write()
        except OSError as error:
            self.error = str(error)
            self._tidy_up()
        self._done = True

    def answer(self) -> tuple[bool, str]:
        """Return whether nothing has failed so far, and a sentence on how far the writing is."""
        done, error, count = self._done, self.error, len(self._messages)
        if error and not self.written:
            return False, f"the last minutes are lost: {error}"
        if error:
            kept = f"only the newest {self.written} of {count} messages are in {self.path}"
            return False, f"{kept}: {error}"
        if not done:
            place = self.path or f"a new bag in {self._folder.parent}"
            return True, f"the last {count} messages are being written to {place}"
        if self.written < count:
            why = "the node ended before the others were written"
            return True, f"the newest {self.written} of {count} messages are in {self.path}; {why}"
        return True, f"the last {count} messages are in {self.path}"

    def _new_folder(self) -> Path:
        number, path = 1, self._folder
        while True:
            try:
                path.mkdir(parents=True)
                return path
            except FileExistsError as error:
                if not path.exists():  # a folder above it is a link to nothing
                    raise refused(path, error) from error
                number += 1
                path = self._folder.with_name(f"{self._folder.name}-{number}")
            except OSError as error:
                raise refused(path, error) from error

    def _write(self) -> None:
        assert self.path is not None
        for values in self._records.values():
            write_parameters(self.path, json.loads(values.get("parameters", "{}")))
        parts = _parts(self._messages)
        for number in reversed(range(len(parts))):
            begin, end = parts[number]
            newest = number == len(parts) - 1
            if not self._write_part(number, self._messages[begin:end], needed=newest):
                self._write_part(number, self._last_latched(end), needed=True)
                break
        for file in self._files:
            if self._until() == math.inf:
                file.make_durable()
        self._write_metadata(durably=self._until() == math.inf)

    def _write_part(self, number: int, messages: list[Received], *, needed: bool) -> bool:
        """Write a file before those that are there; return False if the time was up.

        Args:
            number: of the file.
            messages: of the file.
            needed: whether the file is written even when the time is up.
        """
        assert self.path is not None
        hurried = self._until() < math.inf
        path = self.path / f"{self.path.name}_{number}.mcap"
        require_room(path)
        file = McapFile(path, "lz4" if hurried else self._compression)
        self._files.insert(0, file)
        try:
            self._write_metadata()  # whoever reads the bag of a killed process knows the order
            for topic in self._topics.values():
                file.add_topic(topic)
            for name, values in self._records.items():
                file.add_record(name, values)
            for message in messages:
                if not needed and time.monotonic() > self._until():
                    self._give_up(file)
                    return False
                file.write(*message)
            file.finish()
        except BaseException:
            self._give_up(file)
            raise
        self.written += len(messages)
        return True

    def _give_up(self, file: McapFile) -> None:
        file.abandon()
        file.path.unlink(missing_ok=True)
        self._files.remove(file)

    def _last_latched(self, end: int) -> list[Received]:
        """Return the last message of each transient local topic among those before ``end``."""
        last = {message.topic: message for message in self._messages[:end]}
        return [m for m in last.values() if "transient_local" in self._topics[m.topic].qos]

    def _tidy_up(self) -> None:
        """Leave what was written as a whole bag, or nothing."""
        if self.path is None:
            return
        if not self._files:
            shutil.rmtree(self.path, ignore_errors=True)
            return
        with contextlib.suppress(OSError):  # the files can be read without it
            self._write_metadata()

    def _write_metadata(self, *, durably: bool = False) -> None:
        assert self.path is not None
        figures = [file.figures for file in self._files]
        information = bag_information(figures, list(self._topics.values()))
        try:
            write_metadata(self.path, information, durably=durably)
        except OSError as error:
            raise refused(self.path, error) from error


def _parts(messages: list[Received]) -> list[tuple[int, int]]:
    """Return where each part begins and ends, oldest first; at least one part."""
    parts: list[tuple[int, int]] = []
    end, size, limit = len(messages), 0, FIRST_BYTES
    for begin in reversed(range(len(messages))):
        size += len(messages[begin].data)
        if size >= limit or begin == 0:
            parts.insert(0, (begin, end))
            end, size, limit = begin, 0, min(2 * limit, PART_BYTES)
    return parts or [(0, 0)]
