"""Writes one MCAP file of raw CDR with the definitions of its messages."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from mcap.writer import CompressionType, Writer

from mentor_common.bags.definitions import definition_of
from mentor_common.bags.metadata import BagTopic, FileFigures, bag_information

COMPRESSIONS = {
    "zstd": CompressionType.ZSTD,
    "lz4": CompressionType.LZ4,
    "none": CompressionType.NONE,
}
CHUNK_BYTES = 1 << 20
"""Uncompressed size at which a chunk is closed even between two flushes."""


class BagWriteError(OSError):
    """The bag cannot be written: which file, why, and what to do. What was flushed stays."""


class McapFile:
    """An MCAP file under way.

    Args:
        path: path of the file, which must not exist.
        compression: zstd, lz4 or none.

    Raises:
        BagWriteError: by every method, if the disk refuses; the file is closed as far as it got.
    """

    def __init__(self, path: Path, compression: str = "zstd") -> None:
        self.path = path
        self.figures = FileFigures(path.name)
        self.began = time.monotonic()
        self.unflushed = 0
        """Messages since the last flush: what a kill, or a disk that refuses now, would lose."""
        self._topics: dict[str, BagTopic] = {}
        self._schemas: dict[tuple[str, str], int] = {}
        self._channels: dict[str, int] = {}
        try:
            self._stream = path.open("xb")
        except OSError as error:
            raise refused(path, error) from error
        self._writer = Writer(
            self._stream, chunk_size=CHUNK_BYTES, compression=COMPRESSIONS[compression]
        )
        self._guarded(lambda: self._writer.start("ros2", library="mentor_common.bags"))

    @property
    def written_bytes(self) -> int:
        """Bytes that have left the writer's chunk."""
        return self._stream.tell()

    def add_topic(self, topic: BagTopic) -> None:
        """Make a topic known; must precede its messages.

        Raises:
            UnknownTypeError: the topic comes without its definition, and none is found.
        """
        if topic.name in self._topics:
            return
        text = topic.definition or definition_of(topic.type).text
        key = (topic.type, text)
        if key not in self._schemas:
            self._schemas[key] = self._writer.register_schema(
                topic.type, topic.encoding, text.encode()
            )
        self._channels[topic.name] = self._writer.register_channel(
            topic.name,
            "cdr",
            self._schemas[key],
            {"offered_qos_profiles": topic.qos, "topic_type_hash": topic.hash},
        )
        self._topics[topic.name] = topic

    def write(self, topic: str, data: bytes, log_time: int, publish_time: int, number: int) -> None:
        """Add a message.

        Args:
            topic: a topic that was added.
            data: CDR bytes with their encapsulation header.
            log_time: when it was received, nanoseconds.
            publish_time: when it was sent, nanoseconds; 0: unknown.
            number: the publisher's running number; 0: unknown.
        """
        channel, sent = self._channels[topic], publish_time or log_time
        self._guarded(lambda: self._writer.add_message(channel, log_time, data, sent, number))
        self.figures.add(topic, log_time)
        self.unflushed += 1

    def add_record(self, name: str, values: dict[str, str]) -> None:
        """Add a metadata record."""
        self._guarded(lambda: self._writer.add_metadata(name, values))

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self._guarded(self._writer.flush)
        self.unflushed = 0

    def finish(self) -> None:
        """Write the index and close the file."""
        self._guarded(self._finish)
        self.unflushed = 0

    def make_durable(self) -> None:
        """Return when the file, which was finished, would outlast a power cut."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            pass  # deleted meanwhile, for the sake of the bag's size
        except OSError as error:
            raise refused(self.path, error) from error

    def abandon(self) -> None:
        """Close the file without another byte, after an error."""
        with contextlib.suppress(OSError):  # its buffer finds no room either
            self._stream.close()

    def _finish(self) -> None:
        information = bag_information([self.figures], list(self._topics.values()))
        text = yaml.safe_dump(information["rosbag2_bagfile_information"], sort_keys=False)
        self._writer.add_metadata("rosbag2", {"serialized_metadata": text})
        self._writer.finish()
        self._stream.close()

    def _guarded(self, work: Callable[[], Any]) -> None:
        try:
            work()
        except (OSError, ValueError) as error:  # ValueError: an error has closed the file before
            self.abandon()
            raise refused(self.path, error) from error


def refused(path: Path, error: Exception) -> BagWriteError:
    """Return the error that names the file, the reason and the way out."""
    reason = getattr(error, "strerror", None) or str(error)
    return BagWriteError(
        f"bag {path}: {reason}; free some disk, or record less or into another folder"
    )
