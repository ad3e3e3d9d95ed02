"""``metadata.yaml`` of a bag, and the same beside the messages: what rosbag2 reads first."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mentor_common.files.atomic import replaced

VERSION = 9
FILE = "metadata.yaml"
DISTRIBUTION = os.environ.get("ROS_DISTRO") or "kilted"


@dataclass(frozen=True)
class BagTopic:
    """A topic of a bag.

    Args:
        name: absolute name.
        type: e.g. ``sensor_msgs/msg/Image``.
        qos: the offered profiles as rosbag2 writes them.
        hash: type hash, or empty.
        definition: the type's definition with all that it refers to; empty: as the sourced
            workspaces have it.
        encoding: encoding of the definition.
    """

    name: str
    type: str
    qos: str
    hash: str = ""
    definition: str = ""
    encoding: str = "ros2msg"

    def as_yaml(self) -> dict[str, Any]:
        """Return the topic as it stands in ``metadata.yaml``."""
        return {
            "name": self.name,
            "type": self.type,
            "serialization_format": "cdr",
            "offered_qos_profiles": yaml.safe_load(self.qos or "[]"),
            "type_description_hash": self.hash,
        }


@dataclass
class FileFigures:
    """What is in one file of a bag; times in nanoseconds."""

    path: str
    start: int = 0
    end: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def messages(self) -> int:
        """Messages of all topics."""
        return sum(self.counts.values())

    def add(self, topic: str, log_time: int) -> None:
        """Count a message."""
        if not self.counts:
            self.start = self.end = log_time
        self.start, self.end = min(self.start, log_time), max(self.end, log_time)
        self.counts[topic] = self.counts.get(topic, 0) + 1


def bag_information(files: list[FileFigures], topics: list[BagTopic]) -> dict[str, Any]:
    """Return the content of ``metadata.yaml``.

    MCAP compresses within its files, which rosbag2 need not know: its own compression is off.

    Args:
        files: what is in each file, oldest first.
        topics: topics of the whole bag.
    """
    filled = [file for file in files if file.messages]
    start = min((file.start for file in filled), default=0)
    end = max((file.end for file in filled), default=start)
    counts: dict[str, int] = {}
    for file in files:
        for topic, count in file.counts.items():
            counts[topic] = counts.get(topic, 0) + count
    return {
        "rosbag2_bagfile_information": {
            "version": VERSION,
            "storage_identifier": "mcap",
            "duration": {"nanoseconds": end - start},
            "starting_time": {"nanoseconds_since_epoch": start},
            "message_count": sum(counts.values()),
            "topics_with_message_count": [
                {"topic_metadata": topic.as_yaml(), "message_count": counts.get(topic.name, 0)}
                for topic in topics
            ],
            "compression_format": "",
            "compression_mode": "",
            "relative_file_paths": [file.path for file in files],
            "files": [
                {
                    "path": file.path,
                    "starting_time": {"nanoseconds_since_epoch": file.start},
                    "duration": {"nanoseconds": file.end - file.start},
                    "message_count": file.messages,
                }
                for file in files
            ],
            "custom_data": {},
            "ros_distro": DISTRIBUTION,
        }
    }


def write_metadata(folder: Path, information: dict[str, Any], *, durably: bool = True) -> None:
    """Write ``metadata.yaml`` whole or not at all.

    Args:
        folder: folder of the bag.
        information: its content.
        durably: whether to return only when it would outlast a power cut, which takes a busy disk
            seconds.
    """
    with replaced(folder / FILE, durably=durably) as temporary, temporary.open("w") as file:
        yaml.safe_dump(information, file, sort_keys=False)


def read_metadata(folder: Path) -> dict[str, Any] | None:
    """Return the information of a bag's ``metadata.yaml``; None if it is not there or damaged."""
    try:
        content = yaml.safe_load((folder / FILE).read_text())
        information: dict[str, Any] = content["rosbag2_bagfile_information"]
        return information if isinstance(information, dict) else None
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return None
