"""The messages of a bag that a replay publishes, in the order in which the recorder got them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from rclpy.serialization import deserialize_message

from mentor_common.bags.definitions import message_class
from mentor_common.bags.reader import Bag, BagMessage
from mentor_common.bags.steps import EPISODE_TYPES, STEP_TYPES, step_of
from mentor_common.messages.topics import camera_image
from mentor_recorder.bags.cut import parse_episodes
from mentor_recorder.bags.summary import RECORD, episodes_of

IMAGE = "sensor_msgs/msg/Image"


@dataclass(frozen=True)
class Span:
    """The part of a bag that is replayed.

    Args:
        begin: seconds from the bag's beginning.
        end: seconds from the bag's beginning; 0: to its end.
        episodes: positions or numbers, as ``parse_episodes`` reads them; empty: all.
    """

    begin: float = 0.0
    end: float = 0.0
    episodes: str = ""


class Feed:
    """The messages of a span of a bag.

    Args:
        bag: to read.
        span: length of it.

    Raises:
        BagError: the span names an episode that the bag does not have.
    """

    def __init__(self, bag: Bag, span: Span) -> None:
        self.bag = bag
        self.namespace = namespace_of(bag)
        self.positions = {e: i for i, e in enumerate(episodes_of(bag).steps)}
        self._start = bag.start + int(span.begin * 1e9) if span.begin else None
        self._end = bag.start + int(span.end * 1e9) if span.end else None
        self._episodes: set[int] | None = None
        if span.episodes:
            self._episodes = set(parse_episodes(span.episodes, self.positions))

    def relative(self, topic: str) -> str:
        """Return a topic's name relative to the cell's namespace."""
        prefix = self.namespace.rstrip("/") + "/"
        return topic.removeprefix(prefix) if topic.startswith(prefix) else topic.lstrip("/")

    def messages(self, relative_names: Collection[str] | None = None) -> Iterator[BagMessage]:
        """Yield the messages, those of other episodes left out; None takes all topics."""
        topics = None
        if relative_names is not None:
            topics = {name for name in self.bag.topics if self.relative(name) in relative_names}
        for message in self.bag.messages(topics, self._start, self._end):
            if self._is_of_episodes(message):
                yield message

    def _is_of_episodes(self, message: BagMessage) -> bool:
        if self._episodes is None or message.type not in EPISODE_TYPES:
            return True
        return step_of(message.data, message.type).episode in self._episodes

    def count(self, relative_name: str) -> int:
        """Return how many messages of a topic the bag has."""
        counts = self.bag.counts
        return sum(counts[name] for name in counts if self.relative(name) == relative_name)

    @cached_property
    def images(self) -> frozenset[str]:
        """Relative names of the cameras' images that the bag has."""
        return frozenset(
            self.relative(name)
            for name, topic in self.bag.topics.items()
            if topic.type == IMAGE and name.endswith("/color/image_raw") and self.bag.counts[name]
        )

    @cached_property
    def observed_images(self) -> frozenset[str]:
        """Relative names of the images that observations are made from; the bag may lack them."""
        for message in self.messages(["observation"]):
            cameras = deserialize_message(message.data, message_class(message.type)).cameras
            return frozenset(camera_image(camera).name for camera in cameras)
        return frozenset()


def namespace_of(bag: Bag) -> str:
    """Return the namespace of the cell that was recorded; "/" for none."""
    recorded = bag.record(RECORD, "namespace")
    if isinstance(recorded, str):
        return recorded
    for name, topic in bag.topics.items():
        if topic.type in STEP_TYPES:
            return name.rpartition("/")[0] or "/"
    return "/"
