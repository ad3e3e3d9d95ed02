"""The header of a ring: what its records are, as JSON; a ring of another kind is refused."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mentor_common.files.json_file import read_json, write_json
from mentor_common.messages.frames import FormerLayoutError, FrameLayout, layout_from_json

FORMAT = "mentor replay ring"
VERSION = 1
CHECKSUM = "checksum"
"""Key of the CRC-32 of all others, written as JSON in the order of their names."""
LARGEST_CAPACITY = 10**9
LARGEST_VECTOR = 65536
LARGEST_LAYOUT = 8192
"""Bounds of a ring's sizes: beyond them a header is damaged, or a setting is a slip."""


class ReplayError(RuntimeError):
    """A ring cannot be used as asked. The message names why and what to do."""


@dataclass(frozen=True)
class RingHeader:
    """Shape of a ring.

    Args:
        layout: layout of the observations.
        action_size: A.
        state_size: S, 0 without a state vector.
        capacity: records that are sampled from; a record is one observation, so an episode of T
            steps takes T + 1 of them.
        spare: further records kept beyond the capacity, so that a run that resumes from a
            checkpoint at most this many records old finds the ring as it was then.
    """

    layout: FrameLayout
    action_size: int
    state_size: int
    capacity: int
    spare: int

    def __post_init__(self) -> None:
        layout = self.layout
        for name, value, low, high in (
            ("capacity", self.capacity, 2, LARGEST_CAPACITY),
            ("spare", self.spare, 1, LARGEST_CAPACITY),
            ("action_size", self.action_size, 1, LARGEST_VECTOR),
            ("state_size", self.state_size, 0, LARGEST_VECTOR),
            ("cameras", len(layout.cameras), 1, LARGEST_LAYOUT),
            ("frames", layout.frames, 1, LARGEST_LAYOUT),
            ("height", layout.height, 1, LARGEST_LAYOUT),
            ("width", layout.width, 1, LARGEST_LAYOUT),
        ):
            if type(value) is not int or not low <= value <= high:
                raise ReplayError(f"replay: {name} is {value}, must be from {low} to {high}")

    @property
    def slots(self) -> int:
        """Records on disk."""
        return self.capacity + self.spare

    def as_json(self) -> dict[str, Any]:
        """Return the header as it stands in ``ring.json``."""
        content = {"format": FORMAT, "version": VERSION, **asdict(self)}
        return {**content, CHECKSUM: _checksum(content)}

    def refuse_other(self, folder: Path) -> None:
        """Compare with the header on disk.

        Raises:
            ReplayError: they differ; each difference is named.
        """
        theirs = read_header(folder).as_json()
        ours = json.loads(json.dumps(self.as_json()))
        del theirs[CHECKSUM], ours[CHECKSUM]
        theirs.update(theirs.pop("layout"))
        ours.update(ours.pop("layout"))
        differing = [
            f"{key} is {json.loads(json.dumps(theirs[key]))}, asked for is {ours[key]}"
            for key in ours
            if json.loads(json.dumps(theirs[key])) != ours[key]
        ]
        if differing:
            raise ReplayError(
                f"replay ring {folder} is of another shape: {'; '.join(differing)}. "
                "Use another folder, or the settings it was made with"
            )


def read_header(folder: Path) -> RingHeader:
    """Read ``ring.json``.

    Raises:
        ReplayError: it is not there, damaged, or of another version.
    """
    path = folder / "ring.json"
    try:
        data = read_json(path)
        if data["format"] != FORMAT:
            raise ReplayError(f"{path} is no replay ring: its format is {data['format']!r}")
        if data["version"] != VERSION:
            raise ReplayError(
                f"replay ring {folder} has version {data['version']}, this program reads {VERSION}"
            )
        checksum = data.get(CHECKSUM)  # rings of earlier versions have none
        layout = layout_from_json(data["layout"])
        sizes = {key: data[key] for key in ("action_size", "state_size", "capacity", "spare")}
        header = RingHeader(layout=layout, **sizes)
        if unknown := set(data) - set(header.as_json()):
            raise ValueError(f"it has unknown keys: {', '.join(sorted(unknown))}")
        if checksum is not None and checksum != header.as_json()[CHECKSUM]:
            raise ValueError("it fails its checksum")
        return header
    except FileNotFoundError:
        raise ReplayError(f"{folder} holds no replay ring: {path.name} is missing") from None
    except ReplayError as error:
        raise ReplayError(f"{path}: {error}") from error
    except FormerLayoutError as error:
        if CHECKSUM in data:
            raise ReplayError(f"{path} is damaged: {error}") from error
        raise ReplayError(
            f"{path} is of an older version of this program: {error}. Read it with that version, "
            "or use another folder"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ReplayError(f"{path} is damaged: {error}") from error


def _checksum(content: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(content, sort_keys=True).encode())


def write_header(folder: Path, header: RingHeader) -> None:
    """Write ``ring.json`` whole or not at all."""
    write_json(folder / "ring.json", header.as_json())
