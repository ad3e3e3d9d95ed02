"""Writes a bag: a folder of MCAP files and ``metadata.yaml``, as ``ros2 bag`` makes and reads it.

What was flushed outlives the process: killed at any moment, a file is readable up to its last whole
chunk. Files are made durable (fsync) when they are split off or closed; the one that is split off
in the background, since a busy disk takes seconds for that.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mentor_common.bags.mcap_file import BagWriteError, McapFile, refused
from mentor_common.bags.metadata import BagTopic, FileFigures, bag_information, write_metadata

RESERVE_BYTES = 64 << 20
"""Free disk below which no bag is written: whoever trains on the same disk needs the rest more."""


@dataclass(frozen=True)
class Splitting:
    """When a file of a bag ends, and how much disk the bag may take; 0: no limit.

    Args:
        file_bytes: written size at which a file is closed and the next one begun.
        file_seconds: wall time after which it is.
        bag_bytes: size of all files above which the oldest closed ones are deleted.
    """

    file_bytes: int = 1 << 30
    file_seconds: float = 0.0
    bag_bytes: int = 0


class BagWriter:
    """Writes raw CDR messages into a new bag.

    Args:
        folder: folder of the bag; made; must hold no bag yet.
        splitting: when a file ends.
        compression: zstd, lz4 or none.

    Raises:
        BagWriteError: the folder holds a bag already; by every method, if the disk refuses.
    """

    def __init__(
        self,
        folder: Path | str,
        splitting: Splitting = Splitting(),
        compression: str = "zstd",
    ) -> None:
        self.folder = Path(folder)
        self._splitting = splitting
        self._compression = compression
        self._topics: dict[str, BagTopic] = {}
        self._records: dict[str, dict[str, str]] = {}
        self._closed: list[FileFigures] = []
        self._number = 0
        self._background = ThreadPoolExecutor(1, thread_name_prefix="fsync")
        self._becoming_durable: list[Future[None]] = []
        self.deleted: list[str] = []
        """Names of the files that were deleted for the sake of ``bag_bytes``."""
        if self.folder.is_dir() and any(self.folder.glob("*.mcap")):
            raise BagWriteError(f"{self.folder} holds a bag already; choose another folder")
        new = not self.folder.exists()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused(self.folder, error) from error
        try:
            self._file = self._begin()
        except OSError:
            if new:  # whoever tries again and again would leave a folder each time
                shutil.rmtree(self.folder, ignore_errors=True)
            raise

    @property
    def path(self) -> Path:
        """The file that is being written."""
        return self._file.path

    @property
    def messages(self) -> int:
        """Messages in the files that are kept."""
        return sum(figures.messages for figures in (*self._closed, self._file.figures))

    @property
    def unflushed(self) -> int:
        """Messages since the last flush: what a kill, or a disk that refuses now, would lose."""
        return self._file.unflushed

    def add_topic(self, topic: BagTopic) -> None:
        """Make a topic known; must precede its messages. Raises: UnknownTypeError."""
        self._file.add_topic(topic)
        self._topics[topic.name] = topic

    def write(
        self, topic: str, data: bytes, log_time: int, publish_time: int = 0, sequence: int = 0
    ) -> None:
        """Add a message.

        Args:
            topic: name of a topic that was added.
            data: CDR bytes with their encapsulation header.
            log_time: when it was received, nanoseconds.
            publish_time: when it was sent, nanoseconds; 0: unknown.
            sequence: the publisher's running number; 0: unknown.
        """
        self._file.write(topic, data, log_time, publish_time, sequence)

    def add_record(self, name: str, values: dict[str, str]) -> bool:
        """Add a metadata record, e.g. the configuration; repeated in every further file.

        Returns:
            False if the bag has exactly this record already.
        """
        if self._records.get(name) == values:
            return False
        self._records[name] = dict(values)
        self._file.add_record(name, values)
        return True

    def flush(self) -> None:
        """Hand everything to the operating system, and begin the next file if it is time."""
        self._file.flush()
        self._raise_what_failed()
        limits, file = self._splitting, self._file
        if not file.path.exists():  # the disk would continue taking what nobody can read
            file.abandon()
            raise refused(file.path, OSError(errno.ENOENT, "the file was removed"))
        too_old = limits.file_seconds and time.monotonic() - file.began > limits.file_seconds
        too_large = limits.file_bytes and file.written_bytes >= limits.file_bytes
        if file.figures.messages and (too_old or too_large):
            self.split()
        else:
            try:
                require_room(file.path)
            except BagWriteError:
                file.abandon()
                raise
        self._delete_oldest()

    def split(self) -> None:
        """Close this file, which becomes durable in the background, and begin the next one."""
        self._file.finish()
        self._becoming_durable.append(self._background.submit(self._file.make_durable))
        self._closed.append(self._file.figures)
        self._file = self._begin()

    def close(self) -> None:
        """Close the bag durably."""
        self._file.finish()
        self._file.make_durable()
        self._background.shutdown(wait=True)
        self._raise_what_failed()
        self._write_metadata(durably=True)

    def abandon(self) -> None:
        """Close the file without another byte, after an error: the bag can be repaired."""
        self._file.abandon()
        self._background.shutdown(wait=False)

    def _raise_what_failed(self) -> None:
        """Raise the error of a file that did not become durable."""
        done = [future for future in self._becoming_durable if future.done()]
        self._becoming_durable = [f for f in self._becoming_durable if f not in done]
        for future in done:
            future.result()

    def _begin(self) -> McapFile:
        path = self.folder / f"{self.folder.resolve().name}_{self._number}.mcap"
        require_room(path)
        self._file = McapFile(path, self._compression)
        self._number += 1
        for topic in self._topics.values():
            self._file.add_topic(topic)
        for name, values in self._records.items():
            self._file.add_record(name, values)
        self._file.flush()
        self._write_metadata()
        return self._file

    def _write_metadata(self, *, durably: bool = False) -> None:
        information = bag_information(
            [*self._closed, self._file.figures], list(self._topics.values())
        )
        try:
            write_metadata(self.folder, information, durably=durably)
        except OSError as error:
            self._file.abandon()
            raise refused(self.folder, error) from error

    def _delete_oldest(self) -> None:
        limit = self._splitting.bag_bytes
        if not limit or not self._closed:
            return
        sizes = [_size(self.folder / figures.path) for figures in self._closed]
        total, deleted = sum(sizes) + self._file.written_bytes, 0
        while total > limit and deleted < len(sizes):
            oldest = self._closed.pop(0)
            (self.folder / oldest.path).unlink(missing_ok=True)
            self.deleted.append(oldest.path)
            total -= sizes[deleted]
            deleted += 1
        if deleted:
            self._write_metadata()


def require_room(path: Path) -> None:
    """Raise BagWriteError unless the disk of a bag's file has ``RESERVE_BYTES`` left."""
    try:
        free = os.statvfs(path.parent)
    except OSError as error:
        raise refused(path, error) from error
    if free.f_bavail * free.f_frsize < RESERVE_BYTES:
        raise refused(path, OSError(errno.ENOSPC, "hardly any space is left on the disk"))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
