"""Reads a bag: one that was closed, one that was killed, one that other tools wrote.

A file that was closed has an index at its end; one that was killed is read from its beginning to
its last whole chunk.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from mcap.exceptions import McapError
from mcap.reader import SeekingReader
from mcap.records import Channel, Message, Metadata, Schema, Statistics
from mcap.stream_reader import CRCValidationError, StreamReader

from mentor_common.bags.metadata import BagTopic, read_metadata
from mentor_common.files.found_runs import in_runs

_BROKEN = (McapError, CRCValidationError, ValueError, EOFError, OSError, IndexError, KeyError)


class BagError(ValueError):
    """No bag, or one that cannot be read as what is asked for: its path, and what was found."""


class BagMessage(NamedTuple):
    """One message of a bag; times in nanoseconds."""

    topic: str
    type: str
    data: bytes
    """CDR with its encapsulation header."""
    log_time: int
    publish_time: int
    sequence: int


@dataclass
class BagFile:
    """What is known of one file of a bag.

    Args:
        path: path of the file.
        whole: whether its index is there, so that it was closed.
        problem: what is wrong with it; empty: nothing.
    """

    path: Path
    whole: bool = True
    problem: str = ""
    topics: dict[str, BagTopic] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    start: int = 0
    end: int = 0


class Bag:
    """A bag to read.

    Args:
        path: folder of a bag, or one of its .mcap files.

    Raises:
        BagError: there is no .mcap file.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.files = [_survey(file) for file in _files(self.path)]

    @cached_property
    def topics(self) -> dict[str, BagTopic]:
        """The topics by name."""
        return {name: topic for file in self.files for name, topic in file.topics.items()}

    @cached_property
    def counts(self) -> dict[str, int]:
        """Messages by topic; of files that were killed, those that can be read."""
        counts = dict.fromkeys(self.topics, 0)
        for file in self.files:
            for name, count in file.counts.items():
                counts[name] = counts.get(name, 0) + count
        return counts

    @property
    def start(self) -> int:
        """Log time of the first message, nanoseconds; 0 in an empty bag."""
        return min((f.start for f in self.files if f.counts), default=0)

    @property
    def end(self) -> int:
        """Log time of the last message, nanoseconds; 0 in an empty bag."""
        return max((f.end for f in self.files if f.counts), default=0)

    @cached_property
    def records(self) -> dict[str, dict[str, str]]:
        """The metadata records by name; the last of a name wins."""
        found: dict[str, dict[str, str]] = {}
        for file in self.files:
            for record in _records_of(file):
                found[record.name] = dict(record.metadata)
        return found

    def record(self, name: str, key: str) -> Any:
        """Return a value of a metadata record, from its JSON; None if it is not there."""
        text = self.records.get(name, {}).get(key)
        try:
            return None if text is None else json.loads(text)
        except ValueError:
            return text

    def messages(
        self,
        topics: Collection[str] | None = None,
        start: int | None = None,
        end: int | None = None,
    ) -> Iterator[BagMessage]:
        """Yield messages in the order in which they were received.

        Args:
            topics: names; None: all.
            start: log time in nanoseconds of the first.
            end: log time before which the last lies.
        """
        for file in self.files:
            read = _indexed if file.whole else _streamed
            yield from read(file, topics, start, end)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise BagError(f"there is no bag {path}; {in_runs('bags')}")
    information = read_metadata(path) or {}
    listed = [path / Path(name).name for name in information.get("relative_file_paths", [])]
    found = sorted(path.glob("*.mcap"), key=_number)
    if not found:
        other = information.get("storage_identifier")
        kind = f" (its storage is '{other}'; `ros2 bag convert` makes one)"
        kind = kind if other and other != "mcap" else ""
        raise BagError(f"{path} is no MCAP bag: no .mcap file there{kind}")
    return [file for file in listed if file in found] + [f for f in found if f not in listed]


def _number(path: Path) -> tuple[int, str]:
    tail = path.stem.rpartition("_")[2]
    return (int(tail) if tail.isdigit() else -1, path.name)


def _survey(path: Path) -> BagFile:
    file = BagFile(path)
    try:
        with path.open("rb") as stream:
            summary = SeekingReader(stream).get_summary()
        if summary is None or summary.statistics is None:
            raise ValueError("no summary")
        _add_channels(file, summary.schemas, summary.channels)
        _add_statistics(file, summary.statistics, summary.channels)
    except _BROKEN:
        file.whole = False
        file.topics.clear()
        for message in _streamed(file, None, None, None):
            if not file.counts:
                file.start = message.log_time
            file.end = message.log_time
            file.counts[message.topic] = file.counts.get(message.topic, 0) + 1
    return file


def _add_channels(file: BagFile, schemas: dict[int, Schema], channels: dict[int, Channel]) -> None:
    for channel in channels.values():
        schema = schemas.get(channel.schema_id)
        file.topics[channel.topic] = BagTopic(
            channel.topic,
            schema.name if schema else "",
            channel.metadata.get("offered_qos_profiles", ""),
            channel.metadata.get("topic_type_hash", ""),
            schema.data.decode(errors="replace") if schema else "",
            schema.encoding if schema else "",
        )


def _add_statistics(file: BagFile, found: Statistics, channels: dict[int, Channel]) -> None:
    file.start, file.end = found.message_start_time, found.message_end_time
    for number, count in found.channel_message_counts.items():
        topic = channels[number].topic
        file.counts[topic] = file.counts.get(topic, 0) + count


def _indexed(
    file: BagFile, topics: Collection[str] | None, start: int | None, end: int | None
) -> Iterator[BagMessage]:
    with file.path.open("rb") as stream:
        reader = SeekingReader(stream, validate_crcs=True)
        wanted = None if topics is None else list(topics)
        found = reader.iter_messages(wanted, starting_at=start, ending_before=end)
        while True:
            try:
                schema, channel, message = next(found)
            except StopIteration:
                return
            except Exception as error:  # whatever a damaged block makes of itself
                file.problem = f"damaged: {type(error).__name__} {error}".rstrip()
                check = f"python -m mentor_recorder check {file.path}"
                text = f"{file.path}: {file.problem}; `{check}` finds what else is wrong"
                raise BagError(text) from error
            yield _message(channel, schema, message)


def _streamed(
    file: BagFile, topics: Collection[str] | None, start: int | None, end: int | None
) -> Iterator[BagMessage]:
    """Read until the file breaks off, which is noted in ``file.problem``."""
    schemas: dict[int, Schema] = {}
    channels: dict[int, Channel] = {}
    with file.path.open("rb") as stream:
        records = StreamReader(stream, validate_crcs=True).records
        while True:
            try:
                record = next(records)
            except StopIteration:
                return
            except Exception as error:  # whatever a broken compressed block makes of itself
                file.problem = f"breaks off: {type(error).__name__} {error}".rstrip()
                return
            if isinstance(record, Schema):
                schemas[record.id] = record
            elif isinstance(record, Channel):
                channels[record.id] = record
                _add_channels(file, schemas, {record.id: record})
            elif isinstance(record, Message) and record.channel_id in channels:
                channel = channels[record.channel_id]
                if (
                    (topics is None or channel.topic in topics)
                    and (start is None or record.log_time >= start)
                    and (end is None or record.log_time < end)
                ):
                    yield _message(channel, schemas.get(channel.schema_id), record)


def _message(channel: Channel, schema: Schema | None, message: Message) -> BagMessage:
    return BagMessage(
        channel.topic,
        schema.name if schema else "",
        message.data,
        message.log_time,
        message.publish_time,
        message.sequence,
    )


def _records_of(file: BagFile) -> Iterator[Metadata]:
    with file.path.open("rb") as stream:
        if file.whole:
            yield from SeekingReader(stream).iter_metadata()
            return
        try:
            for record in StreamReader(stream, emit_chunks=True).records:
                if isinstance(record, Metadata):
                    yield record
        except Exception:  # as above: it is the file of a process that was killed
            return
