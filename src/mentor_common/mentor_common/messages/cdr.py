"""The stream's messages as CDR bytes: read with every length checked, written fast.

The client library's own readers trust what comes over the wire: a broken length or text in a
message ends the process. Whoever must survive any sender takes messages raw (``raw=True``) and
reads them here. A publisher also takes bytes: by `bench/cdr.py` the writers take a fifth of the
client library's time at most, which keeps them.
"""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from builtin_interfaces.msg import Time

if TYPE_CHECKING:
    from mentor_common.env.action_choice import ActionChoice

_SECOND = 1_000_000_000
_HEADER = 4
"""Bytes before the body: representation (0 big, 1 little endian) and options."""


class CdrError(ValueError):
    """Bytes that are no message of the expected type: what was read, and where it went wrong."""


class ActionRecord(NamedTuple):
    """The content of an Action message."""

    stamp: int
    """Nanoseconds of ROS time."""
    purpose: str
    """``header.frame_id``."""
    episode: int
    step: int
    data: npt.NDArray[np.float32]
    """The action's values, shape (A,); a view on the bytes."""
    deadline: int
    """Nanoseconds; 0: the receiver's own holds."""


class HeaderRecord(NamedTuple):
    """The content of a Header; ``stamp`` is a Time message."""

    stamp: Time
    frame_id: str


class ObservationRecord(NamedTuple):
    """The content of an Observation message, under the message's names."""

    header: HeaderRecord
    episode: int
    step: int
    cameras: list[str]
    frames: int
    height: int
    width: int
    data: array[int]
    stamps: list[Time]
    state: npt.NDArray[np.float32]


class RewardRecord(NamedTuple):
    """What an agent may know of a Reward message, under the message's names."""

    header: HeaderRecord
    episode: int
    step: int
    value: float
    term_names: list[str]
    terms: list[float]
    terminated: bool
    truncated: bool
    success: bool
    valid: bool
    reason: str


class CdrReader:
    """Reads plain CDR (XCDR1) values one after the other.

    Args:
        raw: the bytes, with the encapsulation header.
        name: the message's type, for the errors.
    Raises: CdrError, by every method, if the bytes end too early or contradict themselves.
    """

    def __init__(self, raw: bytes, name: str) -> None:
        self._name = name
        if len(raw) < _HEADER or raw[0] != 0 or raw[1] > 1:
            raise CdrError(f"{name}: {raw[:_HEADER].hex()} is no header of plain CDR")
        self._body = memoryview(raw)[_HEADER:]
        self._order = "<" if raw[1] else ">"
        self._at = 0

    def number(self, code: str) -> Any:
        """Read one number or boolean; ``code`` as struct has it."""
        size = struct.calcsize(f"={code}")
        self._at += -self._at % size
        return struct.unpack_from(f"{self._order}{code}", self._take(size))[0]

    def count(self, least: int) -> int:
        """Return the length of a sequence whose elements take at least so many bytes each."""
        count: int = self.number("I")
        if count * least > len(self._body) - self._at:
            raise CdrError(f"{self._name}: {count} elements do not fit in what follows")
        return count

    def time(self) -> int:
        """Return a time or a duration, nanoseconds."""
        seconds, nanoseconds = self.number("i"), self.number("I")
        if nanoseconds >= _SECOND:
            raise CdrError(f"{self._name}: {nanoseconds} nanoseconds are more than a second")
        return int(seconds * _SECOND + nanoseconds)

    def header(self) -> HeaderRecord:
        """Return a Header."""
        seconds, nanoseconds = divmod(self.time(), _SECOND)
        return HeaderRecord(Time(sec=seconds, nanosec=nanoseconds), self.text())

    def texts(self) -> list[str]:
        """Return a sequence of strings."""
        return [self.text() for _ in range(self.count(4))]

    def octets(self) -> memoryview:
        """Return a sequence of bytes; a view on the message's."""
        return self._take(self.count(1))

    def text(self) -> str:
        """Return a string; its length counts the closing zero."""
        length = self.number("I")
        if length == 0:
            return ""
        data = bytes(self._take(length))
        if data[-1]:
            raise CdrError(f"{self._name}: a text does not end with zero")
        try:
            return data[:-1].decode()
        except UnicodeDecodeError as error:
            raise CdrError(f"{self._name}: a text is no UTF-8: {error}") from None

    def floats(self) -> npt.NDArray[np.float32]:
        """Return a sequence of float32; a view on the bytes."""
        count = self.count(4)
        return np.frombuffer(self._take(4 * count), np.dtype(f"{self._order}f4"))

    def end(self) -> None:
        """Check that no more follows but padding.

        The client library reserves the alignment of an empty sequence of float64, too, and so may
        leave up to seven bytes behind a message.
        """
        if len(self._body) - self._at >= 8:
            raise CdrError(f"{self._name}: {len(self._body) - self._at} bytes too many")

    def _take(self, size: int) -> memoryview:
        begin, self._at = self._at, self._at + size
        if self._at > len(self._body):
            raise CdrError(
                f"{self._name}: {size} bytes wanted at {begin}, {len(self._body)} there are"
            )
        return self._body[begin : self._at]


def write_action(
    data: npt.NDArray[np.float32],
    episode: int,
    step: int,
    stamp: int,
    purpose: str = "",
    deadline: int = 0,
    choice: ActionChoice | None = None,
) -> bytes:
    """Return the CDR bytes of an Action message.

    Args:
        data: the action, (action_size,).
        episode: episode of the observation that it answers.
        step: step of the observation that it answers.
        stamp: nanoseconds of ROS time.
        purpose: ``header.frame_id``.
        deadline: nanoseconds; 0: the receiver's own holds.
        choice: what chose it; None: no policy.
    """
    text = purpose.encode() + b"\0"
    seconds, nanoseconds = divmod(stamp, _SECOND)
    head = struct.pack(f"<4xiII{len(text)}s", seconds, nanoseconds, len(text), text)
    # Alignment counts from behind the encapsulation header.
    head += b"\0" * (-(len(head) - _HEADER) % 8)
    values = np.ascontiguousarray(data, "<f4").tobytes()
    body = struct.pack("<QII", episode, step, len(values) // 4)
    raw = b"\0\1\0\0" + head[4:] + body + values + struct.pack("<iI", *divmod(deadline, _SECOND))
    mean = b"" if choice is None else np.ascontiguousarray(choice.mean, "<f4").tobytes()
    run_id, sha256 = ("", "") if choice is None else (choice.run_id, choice.weights_sha256)
    raw += struct.pack("<I", len(mean) // 4) + mean + _text(run_id)
    raw += b"\0" * (-(len(raw) - _HEADER) % 8)
    return raw + struct.pack("<Q", choice.weights_version if choice else 0) + _text(sha256)


def _text(text: str) -> bytes:
    data = text.encode() + b"\0"
    return struct.pack("<I", len(data)) + data


class ObservationWriter:
    """Writes the CDR bytes of observations that differ in numbers only.

    Args:
        message: an Observation with everything that stays: frame_id, cameras, sizes, as many
            pixels and state values as all will have, no frame stamps.
    """

    def __init__(self, message: Any) -> None:
        from rclpy.serialization import serialize_message

        self._raw = bytearray(serialize_message(message))
        at = 8 + 4 + len(message.header.frame_id.encode()) + 1
        self._episode = _HEADER + at + -at % 8
        at = self._episode - _HEADER + 8 + 4
        at += -at % 4 + 4
        for camera in message.cameras:
            at += -at % 4 + 4 + len(camera.encode()) + 1
        at += -at % 4 + 3 * 4 + 4
        begin = _HEADER + at
        size = len(message.data)
        self._pixels = np.frombuffer(self._raw, np.uint8, size, begin)
        at += size
        at += -at % 4 + 4 + 4  # no stamps, and the count of the state
        self._state = np.frombuffer(self._raw, "<f4", len(message.state), _HEADER + at)
        fits = self._raw[1] == 1 and np.array_equal(self._pixels, np.frombuffer(message.data, "u1"))
        if message.stamps or not fits or struct.unpack_from("<I", self._raw, begin - 4)[0] != size:
            raise CdrError("Observation: the client library lays this message out in another way")

    def write(
        self,
        pixels: npt.NDArray[np.uint8],
        episode: int,
        step: int,
        stamp: int,
        state: npt.NDArray[np.float32] | None = None,
    ) -> bytes:
        """Return the bytes of one observation; ``stamp`` in nanoseconds."""
        struct.pack_into("<iI", self._raw, _HEADER, *divmod(stamp, _SECOND))
        struct.pack_into("<QI", self._raw, self._episode, episode, step)
        np.copyto(self._pixels, pixels.reshape(-1))
        if state is not None:
            np.copyto(self._state, state)
        return bytes(self._raw)


def read_action(raw: bytes) -> ActionRecord:
    """Return an Action message from its CDR bytes.

    Raises: CdrError; nothing else, whatever the bytes are.
    """
    reader = CdrReader(raw, "Action")
    stamp = reader.time()
    purpose = reader.text()
    episode, step = reader.number("Q"), reader.number("I")
    data = reader.floats()
    deadline = reader.time()
    reader.floats(), reader.text(), reader.number("Q"), reader.text()  # what chose it
    reader.end()
    return ActionRecord(stamp, purpose, episode, step, data.astype(np.float32), deadline)


def read_observation(raw: bytes) -> ObservationRecord:
    """Return an Observation message from its CDR bytes.

    Raises: CdrError; nothing else, whatever the bytes are.
    """
    reader = CdrReader(raw, "Observation")
    header, episode, step = reader.header(), reader.number("Q"), reader.number("I")
    cameras = reader.texts()
    frames, height, width = reader.number("I"), reader.number("I"), reader.number("I")
    data = array("B")  # of its own: whoever gets the pixels may write to them
    data.frombytes(reader.octets())
    stamps = [Time(sec=t // _SECOND, nanosec=t % _SECOND) for t in _times(reader)]
    state = reader.floats().astype(np.float32)
    reader.end()
    return ObservationRecord(
        header, episode, step, cameras, frames, height, width, data, stamps, state
    )


def read_reward(raw: bytes) -> RewardRecord:
    """Return a Reward message from its CDR bytes.

    Raises: CdrError; nothing else, whatever the bytes are.
    """
    reader = CdrReader(raw, "Reward")
    header, episode, step = reader.header(), reader.number("Q"), reader.number("I")
    value = reader.number("d")
    names = reader.texts()
    terms = [reader.number("d") for _ in range(reader.count(8))]
    if len(names) != len(terms):
        raise CdrError(f"Reward: {len(names)} names of terms, {len(terms)} terms")
    flags = [bool(reader.number("B")) for _ in range(4)]
    reason = reader.text()
    states = reader.texts(), reader.floats()  # for people only
    if len(states[0]) != len(states[1]):
        raise CdrError(f"Reward: {len(states[0])} names of states, {len(states[1])} states")
    reader.end()
    terminated, truncated, success, valid = flags
    return RewardRecord(
        header, episode, step, value, names, terms, terminated, truncated, success, valid, reason
    )


def _times(reader: CdrReader) -> list[int]:
    return [reader.time() for _ in range(reader.count(8))]
