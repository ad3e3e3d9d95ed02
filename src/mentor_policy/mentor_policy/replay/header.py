"""The header of a ring: what its records are, as JSON; a ring of another kind is refused."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mentor_common.messages.frames import FrameLayout

FORMAT = "mentor replay ring"
VERSION = 1


class ReplayError(RuntimeError):
    """A ring cannot be used as asked. The message says why and what to do."""


@dataclass(frozen=True)
class RingHeader:
    """Shape of a ring.

    Args:
        layout: of the observations.
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
        if self.capacity < 2 or self.spare < 1:
            raise ReplayError(
                f"replay: capacity is {self.capacity} and spare {self.spare}, "
                "must be at least 2 and 1 records"
            )

    @property
    def slots(self) -> int:
        """Records on disk."""
        return self.capacity + self.spare

    def as_json(self) -> dict[str, Any]:
        """The header as it stands in ``ring.json``."""
        return {"format": FORMAT, "version": VERSION, **asdict(self)}

    def refuse_other(self, folder: Path) -> None:
        """Compare with the header on disk.

        Raises:
            ReplayError: they differ; each difference is named.
        """
        theirs = read_header(folder).as_json()
        ours = json.loads(json.dumps(self.as_json()))
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
        data = json.loads(path.read_text())
        if data["format"] != FORMAT:
            raise ReplayError(f"{path} is no replay ring: its format is {data['format']!r}")
        if data["version"] != VERSION:
            raise ReplayError(
                f"replay ring {folder} has version {data['version']}, this program reads {VERSION}"
            )
        layout = dict(data["layout"], cameras=tuple(data["layout"]["cameras"]))
        sizes = {key: int(data[key]) for key in ("action_size", "state_size", "capacity", "spare")}
        return RingHeader(layout=FrameLayout(**layout), **sizes)
    except FileNotFoundError:
        raise ReplayError(f"{folder} holds no replay ring: {path.name} is missing") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ReplayError(f"{path} is damaged: {error}") from error


def write_header(folder: Path, header: RingHeader) -> None:
    """Write ``ring.json`` whole or not at all."""
    temporary = folder / "ring.json.new"
    with temporary.open("w") as file:
        json.dump(header.as_json(), file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(folder / "ring.json")
