"""A message without a readable picture is reported, and the monitor goes on."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fake_peer import FakePeer
from node_process import NodeProcess
from sensor_msgs.msg import CompressedImage
from small_bags import LAYOUT
from websockets.sync.client import ClientConnection, connect

from mentor_common.messages import topics
from mentor_common.messages.experience import nanoseconds_to_time, observation_message
from mentor_common.messages.images import ImageError, array_to_image
from mentor_common.node.camera_images import compressed_images
from mentor_msgs.msg import Observation
from mentor_recorder.monitor.pictures import LARGEST, jpeg, observation_sheet

NAMESPACE = "/pictured"
PIXELS = np.full((48, 64, 3), (200, 100, 50), np.uint8)


def observation(**changes: Any) -> Observation:
    pixels = np.zeros(LAYOUT.shape, np.uint8)
    message = observation_message(pixels, LAYOUT, 7, 1, nanoseconds_to_time(1))
    for name, value in changes.items():
        setattr(message, name, value)
    return message


@pytest.mark.parametrize("changes", [{"frames": 5}, {"data": b""}, {"cameras": [], "data": b""}])
def test_an_observation_whose_pixels_do_not_fit_is_refused(changes: dict[str, Any]) -> None:
    assert observation_sheet(observation()).shape == (3 * 84, 3 * 84, 3)
    with pytest.raises(ImageError, match=r"observation data hold \d+ bytes"):
        observation_sheet(observation(**changes))


@pytest.mark.parametrize("shape", [(0, 5, 3), (5, 0, 3), (1, LARGEST + 1, 3)])
def test_a_picture_that_jpeg_cannot_hold_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match=f"{shape[1]}x{shape[0]} pixels"):
        jpeg(np.zeros(shape, np.uint8))


class Cell:
    """A camera that publishes raw images, one that publishes compressed ones, and observations."""

    def __init__(self) -> None:
        self.peer = FakePeer("cameras", NAMESPACE)
        side, slot = topics.camera_image("side"), compressed_images(topics.camera_image("slot_1"))
        node, seen = self.peer.node, topics.OBSERVATION
        self.raw = node.create_publisher(side.type, side.name, side.qos)
        self.packed = node.create_publisher(slot.type, slot.name, slot.qos)
        self.observations = node.create_publisher(seen.type, seen.name, seen.qos)
        self.reports = self.peer.record_diagnostics("monitor")
        self.peer.begin()


@pytest.fixture
def cell() -> Iterator[Cell]:
    cell = Cell()
    yield cell
    cell.peer.close()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[NodeProcess]:
    arguments = ("port:=0", "task:=cable_routing", "diagnostics_period:=0.2", "picture_rate:=20.0")
    words = [word for argument in arguments for word in ("-p", argument)]
    process = NodeProcess("mentor_recorder", "monitor_node", NAMESPACE, tmp_path, *words)
    yield process
    assert process.end() == 0, process.output


class Viewer:
    """Watches all pictures."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self.numbers = socket, {}
        names = ("observation", "camera/side", "camera/slot_1", "camera/slot_2")
        while len(self.numbers) < len(names):
            message = json.loads(socket.recv(30))
            for channel in message.get("channels", ()):
                name = channel["topic"].removeprefix("/monitor/")
                if name in names:
                    self.numbers[channel["id"]] = name
        wanted = [{"id": number, "channelId": number} for number in self.numbers]
        socket.send(json.dumps({"op": "subscribe", "subscriptions": wanted}))

    def pictures(self) -> set[str]:
        """Return of which channels pictures have come since the last call."""
        found = set()
        while True:
            try:
                data = self._socket.recv(0.2)
            except TimeoutError:
                return found
            if isinstance(data, bytes):
                found.add(self.numbers[int.from_bytes(data[1:5], "little")])


def test_unreadable_images_are_reported_while_others_are_shown(
    cell: Cell, process: NodeProcess
) -> None:
    pattern = re.compile(r"watch the cell: http://(127\.0\.0\.1:\d+)/")
    assert cell.peer.wait(lambda: pattern.search(process.output) is not None, 60.0)
    found = pattern.search(process.output)
    assert found is not None
    packed = CompressedImage(format="jpeg", data=cv2.imencode(".jpg", PIXELS)[1].tobytes())
    strange = array_to_image(PIXELS, "rgb8")
    strange.encoding = "no_encoding"

    def publish(image: Any, seen: Observation) -> None:
        cell.raw.publish(image)
        cell.packed.publish(packed)
        cell.observations.publish(seen)

    with connect(f"ws://{found[1]}/", subprotocols=["foxglove.sdk.v1"]) as socket:
        viewer, shown, until = Viewer(socket), set(), time.monotonic() + 60.0
        parts = (
            "picture of camera/side: image encoding 'no_encoding'",
            "picture of observation: observation data hold",
            "picture of camera/slot_2: nobody publishes camera/slot_2/color/image_raw",
        )
        while time.monotonic() < until:
            publish(strange, observation(frames=5))
            shown |= viewer.pictures()
            level, text = cell.reports[-1] if cell.reports else (0, "")
            if all(part in text for part in parts) and shown:
                break
        assert (level, shown) == (1, {"camera/slot_1"}), (text, process.output)
        while time.monotonic() < until:
            publish(array_to_image(PIXELS, "rgb8"), observation())
            shown |= viewer.pictures()
            text = cell.reports[-1][1]
            if len(shown) == 3 and "camera/side" not in text and "observation" not in text:
                break
        assert shown == {"observation", "camera/side", "camera/slot_1"}, process.output
        assert "slot_2" in text and "camera/side" not in text and "observation" not in text
    assert process.process.poll() is None, process.output
