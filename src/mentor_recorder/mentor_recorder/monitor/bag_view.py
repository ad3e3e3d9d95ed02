"""What the page shows of a bag: all its steps on a timeline, and one of them in full."""

from __future__ import annotations

import base64
import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rclpy.serialization import deserialize_message

from mentor_common.bags.definitions import message_class
from mentor_common.bags.reader import Bag, BagError, BagMessage
from mentor_common.bags.steps import step_of
from mentor_common.messages.image_reader import ImageReader
from mentor_common.messages.images import ImageError
from mentor_recorder.bags.cell_checks import check_cell, recorded_task
from mentor_recorder.bags.summary import RECORD
from mentor_recorder.monitor.cell_view import CellView
from mentor_recorder.monitor.pictures import jpeg, observation_sheet
from mentor_recorder.monitor.task_view import task_view, window_view

SMALL = {
    "mentor_msgs/msg/Action": "on_action",
    "mentor_msgs/msg/Motion": "on_motion",
    "mentor_msgs/msg/Reward": "on_reward",
    "mentor_msgs/msg/GroundTruth": "on_ground_truth",
    "mentor_msgs/msg/ExpertUsage": "on_expert_usage",
    "mentor_msgs/msg/EpisodeStart": "on_episode_start",
}
OPEN = 3
"""Bags whose index is kept."""
AROUND = 3_000_000_000
"""Nanoseconds around a step in which its images and diagnostics are looked for."""
IMAGES = ("/color/image_raw", "/color/image_raw/compressed")
"""How the names of the topics end that have the images of cameras."""


class BagIndex:
    """A bag's steps and where their observations lie.

    Args:
        bag: to index; read once from end to end, without the pixels.
    """

    def __init__(self, bag: Bag) -> None:
        self.bag = bag
        self._images = ImageReader()
        self.episodes: list[dict[str, Any]] = []
        self._task = recorded_task(bag)
        self._observed: dict[tuple[int, int], int] = {}
        views: OrderedDict[int, CellView] = OrderedDict()
        names = {
            name
            for name, topic in bag.topics.items()
            if topic.type in SMALL or topic.type == "mentor_msgs/msg/Observation"
        }
        for message in bag.messages(names):
            key = step_of(message.data, message.type)
            if message.type not in SMALL:
                self._observed[key.episode, key.step] = message.log_time
                continue
            view = views.setdefault(key.episode, CellView(steps=None))
            decoded = deserialize_message(message.data, message_class(message.type))
            getattr(view, SMALL[message.type])(decoded)
        self._training = CellView()
        for message in bag.messages(self._named("TrainingStats")):
            decoded = deserialize_message(message.data, message_class(message.type))
            self._training.on_training(decoded)
        cell = check_cell(bag)
        self._unchecked = cell.unchecked
        for (episode, step), text in cell.contradicted.items():
            entries = views[episode].episode.entries if episode in views else {}
            if step in entries:  # a note alone is no step
                entries[step]["contradicted"] = [text]
        for number, view in views.items():
            self.episodes.append(self._episode(number, view))

    def as_json(self) -> dict[str, Any]:
        """Return the timeline."""
        bag = self.bag
        return {
            "path": str(bag.path),
            "start": bag.start / 1e9,
            "seconds": (bag.end - bag.start) / 1e9,
            "topics": bag.counts,
            "origin": {
                name: bag.record(RECORD, name) for name in ("task", "profile", "commit", "machine")
            },
            "episodes": self.episodes,
            "unchecked": self._unchecked,
            "curves": self._training.history()["curves"],
            "task": task_view(self._task),
            "urdf": self._urdf(),
        }

    def step(self, episode: int, step: int) -> dict[str, Any]:
        """Return one step in full: its pictures, or why there is none, and how the nodes were.

        Raises:
            BagError: the bag has no observation of it.
        """
        time = self._observed.get((episode, step))
        if time is None:
            raise BagError(f"no observation of episode {episode} step {step} in {self.bag.path}")
        found: dict[str, Any] = {"episode": str(episode), "step": step, "cameras": {}}
        found["log_time"], found["unreadable"] = time / 1e9, []
        for message in self.bag.messages(self._named("Observation"), time, time + 1):
            if step_of(message.data, message.type)[2:] == (episode, step):
                observation = deserialize_message(message.data, message_class(message.type))
                found["observation"] = _picture(
                    found, "observation", observation_sheet, observation
                )
                found["names"] = list(observation.cameras)
                found["frames"] = int(observation.frames)
                found["stamps"] = [f"{s.sec}.{s.nanosec:09d}" for s in observation.stamps]
        self._add_images(found, time)
        self._add_nodes(found, time)
        self._add_joints(found, time)
        return found

    def _add_images(self, found: dict[str, Any], time: int) -> None:
        newest: dict[str, BagMessage] = {}
        named = self._named("Image") | self._named("CompressedImage")
        topics = {name for name in named if name.endswith(IMAGES)}
        for message in self.bag.messages(topics, time - AROUND, time + 1):
            newest[message.topic.partition("/color/")[0].rpartition("/")[2]] = message
        for camera, message in newest.items():
            image = deserialize_message(message.data, message_class(message.type))
            if picture := _picture(found, f"camera {camera}", self._images.rgb, image):
                found["cameras"][camera] = picture

    def _add_nodes(self, found: dict[str, Any], time: int) -> None:
        view = CellView()
        for message in self.bag.messages(self._named("DiagnosticArray"), time - AROUND, time + 1):
            decoded = deserialize_message(message.data, message_class(message.type))
            view.on_diagnostics(decoded, message.log_time / 1e9)
        found["nodes"] = view.state(time / 1e9)["nodes"]

    def _add_joints(self, found: dict[str, Any], time: int) -> None:
        view = CellView()
        for message in self.bag.messages(self._named("JointState"), time - AROUND, time + 1):
            view.on_joint_states(deserialize_message(message.data, message_class(message.type)))
        found["joints"] = view.arm.get("joints")

    def _urdf(self) -> str:
        """Return the description of the robot; empty: the bag has none."""
        topics = {name for name in self.bag.topics if name.endswith("/robot_description")}
        for message in self.bag.messages(topics) if topics else ():
            return str(deserialize_message(message.data, message_class(message.type)).data)
        return ""

    def _named(self, kind: str) -> set[str]:
        return {n for n, t in self.bag.topics.items() if t.type.rpartition("/")[2] == kind}

    def _episode(self, number: int, view: CellView) -> dict[str, Any]:
        episode = view.episode
        return {
            "episode": str(number),
            "purpose": episode.purpose,
            "return": view.state(0.0)["episode"]["return"],
            "success": episode.success,
            "steps": episode.steps,
            "window": window_view(self._task, view.arm.get("window_offset", ())),
        }


class BagShelf:
    """The bags below a folder; the page may open these, and no other file.

    Args:
        folder: folder of bags, or a bag itself.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser()
        self._indices: OrderedDict[str, BagIndex] = OrderedDict()
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Return the names of the bags, newest first."""
        if any(self.folder.glob("*.mcap")):
            return ["."]
        found = {path.parent for path in self.folder.glob("**/*.mcap")}
        return sorted((str(path.relative_to(self.folder)) for path in found), reverse=True)

    def open(self, name: str) -> BagIndex:
        """Return the index of a bag.

        Raises:
            BagError: there is no such bag on the shelf.
        """
        if name not in self.names():
            raise BagError(f"no bag '{name}' below {self.folder}")
        with self._lock:
            index = self._indices.get(name)
            if index is None or not all(file.whole for file in index.bag.files):
                index = self._indices[name] = BagIndex(Bag(self.folder / name))
            self._indices.move_to_end(name)
            while len(self._indices) > OPEN:
                self._indices.popitem(last=False)
            return index


def _picture(
    found: dict[str, Any], name: str, pixels: Callable[[Any], Any], message: Any
) -> str | None:
    """Return the picture of a message; None if it has none, which is added to what was found."""
    try:
        picture = jpeg(pixels(message))
    except ImageError as error:
        found["unreadable"].append(f"{name}: {error}")
        return None
    return "data:image/jpeg;base64," + base64.b64encode(picture).decode()


def encoded(content: Any) -> bytes:
    """Return JSON bytes."""
    return json.dumps(content).encode()
