"""Puts the messages of a cell into the order in which the cell makes them.

A recorder receives topics side by side: two messages that were published a few milliseconds apart
may be recorded in the wrong order. A node that gets an action before the motion that led to it
would take the step for one that has been answered already, and one that gets an image too late
would call it missing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator

from rclpy.serialization import deserialize_message

from mentor_common.bags.definitions import message_class
from mentor_common.bags.reader import BagMessage
from mentor_common.bags.steps import STEP_TYPES, stamp_of, step_of
from mentor_common.messages.experience import time_to_nanoseconds
from mentor_recorder.replay.feed import IMAGE

PARTS = ("Motion", "GroundTruth", "Observation", "Reward", "Action")
"""Parts of a step, each made after those before it; the images of a step come before all."""
LATE = 200_000_000
"""Nanoseconds after a motion's end within which the next image of each camera is waited for."""
Part = tuple[int, int, int]
"""Episode, step, and index in PARTS."""
Step = tuple[int, int]
"""Episode and step."""
Frame = tuple[str, int]
"""Camera and stamp of an image."""


def in_causal_order(
    messages: Iterable[BagMessage], recorded: Iterable[BagMessage]
) -> Iterator[BagMessage]:
    """Yield messages, each part of a step after all that it is made from.

    Args:
        messages: messages of a bag, in the order in which they were received.
        recorded: the same once more, read to the end beforehand: what there is to wait for.
    """
    order = _Order(recorded)
    held: dict[Part, list[BagMessage]] = {}
    for message in messages:
        if message.type == IMAGE:
            yield message
            episodes = order.pass_image(frame_of(message))
        else:
            part = part_of(message)
            if part is None or part not in order.outstanding:
                yield message
                continue
            held.setdefault(part, []).append(message)
            episodes = {part[0]}
        for episode in episodes:
            while (ready := order.next(episode)) is not None and ready in held:
                order.pass_part(ready)
                yield from held.pop(ready)


def part_of(message: BagMessage) -> Part | None:
    """Return which part of which step a message is; None if it is no part of PARTS."""
    name = message.type.rpartition("/")[2]
    if message.type not in STEP_TYPES or name not in PARTS:
        return None
    key = step_of(message.data, message.type)
    return key.episode, key.step, PARTS.index(name)


def frame_of(message: BagMessage) -> Frame:
    """Return camera and stamp of an image, from its CDR bytes alone."""
    parts = message.topic.split("/")
    return parts[-3] if len(parts) > 3 else message.topic, stamp_of(message.data)


class _Order:
    """What is still outstanding of each episode.

    With one camera, step 3 of episode 7 in a bag may be Motion (7, 3), Observation (7, 3) of the
    images at 1.0 and 1.2 s, and Action (7, 3). Then ``_queues[7]`` has the parts (7, 3, 0),
    (7, 3, 2) and (7, 3, 4) one after another, ``_frames[7, 3]`` the images ("side", 1.0 s) and
    ("side", 1.2 s), and ``_needed`` has (7, 3) under both. Each image that is passed leaves both
    dictionaries; once ``_frames[7, 3]`` is empty, ``next(7)`` is the motion.

    Args:
        recorded: all messages of a bag.
    """

    def __init__(self, recorded: Iterable[BagMessage]) -> None:
        self.outstanding: set[Part] = set()
        self._frames: dict[Step, set[Frame]] = defaultdict(set)
        """By step, its images that have not been passed."""
        stamps: dict[str, set[int]] = defaultdict(set)
        ends: dict[Step, int] = {}
        for message in recorded:
            if message.type == IMAGE:
                camera, stamp = frame_of(message)
                stamps[camera].add(stamp)
            elif (part := part_of(message)) is not None:
                self.outstanding.add(part)
                if part[2] == PARTS.index("Motion"):
                    ends[part[:2]] = step_of(message.data, message.type).stamp
                elif part[2] == PARTS.index("Observation"):
                    self._frames[part[:2]] |= _frames(message)
        self._queues: dict[int, deque[Part]] = defaultdict(deque)
        """By episode, its parts that have not been passed, in causal order."""
        for part in sorted(self.outstanding):
            self._queues[part[0]].append(part)
        observed = {camera for frames in self._frames.values() for camera, _ in frames}
        for camera, found in stamps.items():
            if camera not in observed:
                self._add_frames_at_ends(camera, sorted(found), ends)
        self._needed: dict[Frame, set[Step]] = defaultdict(set)
        """By image, the steps that wait for it."""
        for key, frames in self._frames.items():
            frames &= {(camera, stamp) for camera, stamp in frames if stamp in stamps[camera]}
            for frame in frames:
                self._needed[frame].add(key)

    def next(self, episode: int) -> Part | None:
        """Return the part that an episode continues with; None while an image of it is missing."""
        queue = self._queues[episode]
        return queue[0] if queue and not self._frames.get(queue[0][:2]) else None

    def pass_part(self, part: Part) -> None:
        """Note that a part was yielded."""
        self._queues[part[0]].popleft()
        self.outstanding.discard(part)

    def pass_image(self, frame: Frame) -> set[int]:
        """Note that an image was yielded; return the episodes that it belongs to."""
        keys = self._needed.pop(frame, set())
        for key in keys:
            self._frames[key].discard(frame)
        return {episode for episode, _ in keys}

    def _add_frames_at_ends(self, camera: str, stamps: list[int], ends: dict[Step, int]) -> None:
        """Add the first image at or after the end of each motion, for what is rewarded by it."""
        for key, end in ends.items():
            index = bisect_left(stamps, end)
            if index < len(stamps) and stamps[index] <= end + LATE:
                self._frames[key].add((camera, stamps[index]))


def _frames(message: BagMessage) -> set[Frame]:
    """Return the images that an observation was made from."""
    decoded = deserialize_message(message.data, message_class(message.type))
    frames = max(int(decoded.frames), 1)
    return {
        (decoded.cameras[index // frames], time_to_nanoseconds(stamp))
        for index, stamp in enumerate(decoded.stamps)
    }
