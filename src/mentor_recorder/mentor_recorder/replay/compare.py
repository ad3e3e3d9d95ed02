"""Compares two messages field by field, to the bit."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

MOMENTS = ("start", "midpoint", "end")
"""Names of the three frames of a motion, where an observation has three."""


@dataclass(frozen=True)
class Difference:
    """A field that is not the same.

    Args:
        field: its name, with the element that differs first.
        recorded: its value in the bag.
        replayed: its value now.
        size: how far they are apart, where that is a number; else 0.
        source: what the field was made from, to see whether several differences have one cause.
        kind: what differences of several steps have in common; empty: the field.
    """

    field: str
    recorded: str
    replayed: str
    size: float = 0.0
    source: str = ""
    kind: str = ""

    @property
    def group(self) -> str:
        """The name under which differences of several steps are counted."""
        return self.kind or self.field

    def __str__(self) -> str:
        return f"{self.field}: recorded {self.recorded}, replayed {self.replayed}"


def compare_observations(recorded: Any, replayed: Any) -> list[Difference]:
    """Return how two Observations differ; empty if they do not."""
    found = _plain(recorded, replayed, ("frames", "height", "width"))
    found += _stamp(recorded.header.stamp, replayed.header.stamp, "header.stamp", "motion")
    if list(recorded.cameras) != list(replayed.cameras):
        found.append(Difference("cameras", f"{recorded.cameras}", f"{replayed.cameras}"))
    if found and found[-1].field in ("cameras", "frames", "height", "width"):
        return found  # pixels of another layout cannot be compared
    found += _frames(recorded, replayed)
    found += _numbers("state", recorded.state, replayed.state, np.float32)
    return found


def compare_rewards(recorded: Any, replayed: Any) -> list[Difference]:
    """Return how two Rewards differ; empty if they do not."""
    found = _stamp(recorded.header.stamp, replayed.header.stamp, "header.stamp", "motion")
    flags = ("terminated", "truncated", "success", "valid", "reason")
    names = list(recorded.term_names)
    if names != list(replayed.term_names):
        found.append(Difference("term_names", f"{names}", f"{list(replayed.term_names)}"))
    else:
        for name, old, new in zip(names, recorded.terms, replayed.terms, strict=True):
            found += _number(f"term {name}", old, new)
    found += _number("value", recorded.value, replayed.value)
    if list(recorded.state_names) != list(replayed.state_names):
        found += _plain(recorded, replayed, ("state_names",))
    else:
        for name, old, new in zip(
            recorded.state_names, recorded.states, replayed.states, strict=True
        ):
            found += _number(f"state {name}", old, new)
    return found + _plain(recorded, replayed, flags)


def compare_means(recorded: Any, replayed: Any) -> list[Difference]:
    """Return how the mean actions of two Actions differ; empty if they do not."""
    weights = f"weights of {recorded.weights_version} updates"
    found = _numbers("mean", recorded.mean, replayed.mean, np.float32)
    return [replace(difference, source=weights) for difference in found]


def seconds(stamp: Any) -> str:
    """Return a stamp as seconds, exact."""
    return f"{stamp.sec}.{stamp.nanosec:09d} s"


def _frames(recorded: Any, replayed: Any) -> list[Difference]:
    cameras, frames = list(recorded.cameras), int(recorded.frames)
    shape = (len(cameras), frames, 3, recorded.height, recorded.width)
    old = np.frombuffer(recorded.data, np.uint8)
    new = np.frombuffer(replayed.data, np.uint8)
    if old.size != new.size or old.size != np.prod(shape):
        return [Difference("data", f"{old.size} bytes", f"{new.size} bytes")]
    old, new = old.reshape(shape), new.reshape(shape)
    found = []
    for camera, name in enumerate(cameras):
        for frame in range(frames):
            time = MOMENTS[frame] if frames == len(MOMENTS) else f"frame {frame}"
            where = f"camera {name}, {time}"
            stamps = ""
            index = camera * frames + frame
            if index < min(len(recorded.stamps), len(replayed.stamps)):
                stamp = recorded.stamps[index]
                stamps = f" (image of {seconds(stamp)})"
                found += _stamp(
                    stamp,
                    replayed.stamps[index],
                    f"{where}: stamp of the image",
                    f"camera {name}",
                    f"stamps of camera {name}",
                )
            a, b = old[camera, frame], new[camera, frame]
            if not np.array_equal(a, b):
                apart = np.abs(a.astype(np.int16) - b)
                count = int((apart.max(0) > 0).sum())
                found.append(
                    Difference(
                        f"{where}: {count} of {apart[0].size} pixels{stamps}",
                        f"mean {a.mean():.1f}", f"mean {b.mean():.1f}", float(apart.max()),
                        f"camera {name}{stamps}", f"pixels of camera {name}",
                    )
                )  # fmt: skip
    return found


def _plain(recorded: Any, replayed: Any, names: tuple[str, ...]) -> list[Difference]:
    pairs = ((name, getattr(recorded, name), getattr(replayed, name)) for name in names)
    return [Difference(name, repr(old), repr(new)) for name, old, new in pairs if old != new]


def _stamp(
    recorded: Any, replayed: Any, name: str, source: str, kind: str = ""
) -> list[Difference]:
    apart = (recorded.sec - replayed.sec) * 1_000_000_000 + recorded.nanosec - replayed.nanosec
    if not apart:
        return []
    return [Difference(name, seconds(recorded), seconds(replayed), abs(apart) / 1e9, source, kind)]


def _number(name: str, old: float, new: float) -> list[Difference]:
    if struct.pack("<d", old) == struct.pack("<d", new):
        return []
    return [Difference(name, f"{old!r}", f"{new!r}", abs(old - new))]


def _numbers(name: str, recorded: Any, replayed: Any, kind: type[np.generic]) -> list[Difference]:
    old, new = np.array(recorded, kind), np.array(replayed, kind)
    if old.shape != new.shape:
        return [Difference(name, f"{old.size} numbers", f"{new.size} numbers")]
    same = old.view(np.uint32) == new.view(np.uint32)
    if same.all():
        return []
    first = int(np.flatnonzero(~same)[0])
    size = float(np.abs(old.astype(np.float64) - new.astype(np.float64)).max())
    return [Difference(f"{name}[{first}]", repr(float(old[first])), repr(float(new[first])), size)]


def why_no_mean(action: Any) -> str | None:
    """Return why a replayed action has no mean, None if it has one: its run_id names the reason."""
    return None if len(action.mean) else action.run_id or "no weights"
