"""The recorder node over real DDS: nothing is lost, the origin is told, faults are kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fake_peer import FakePeer
from node_process import NodeProcess
from rclpy.logging import get_logger
from small_bags import LAYOUT, episode_messages
from std_srvs.srv import Trigger

from mentor_common.bags.reader import Bag
from mentor_common.messages import topics
from mentor_common.messages.experience import reward_message
from mentor_common.messages.images import array_to_image
from mentor_recorder.bags.check import check
from mentor_recorder.nodes.recorder_node import RecorderNode

STEPS = 150


class Cell:
    """Publishes what a cell does."""

    def __init__(self, namespace: str) -> None:
        self.peer = FakePeer("stand_in_cell", namespace)
        node = self.peer.node
        node.declare_parameter("speed", 0.5)
        self._publishers: dict[str, Any] = {}
        for topic in (topics.OBSERVATION, topics.ACTION, topics.MOTION, topics.REWARD):
            self._publishers[topic.name] = node.create_publisher(topic.type, topic.name, topic.qos)
        camera = topics.camera_image("side")
        self.images = node.create_publisher(camera.type, camera.name, 30)
        self.reports = self.peer.record_diagnostics("recorder")
        self.peer.begin()

    def publish(self, name: str, message: Any) -> None:
        self._publishers[name].publish(message)

    def call(self, name: str) -> Trigger.Response:
        client = self.peer.node.create_client(Trigger, name)
        assert client.wait_for_service(60.0)
        future = client.call_async(Trigger.Request())
        assert self.peer.wait(future.done, 30.0)
        answer: Trigger.Response = future.result()
        return answer


@pytest.fixture
def cell(request: pytest.FixtureRequest) -> Iterator[Cell]:
    cell = Cell(f"/recorded_{abs(hash(request.node.name)) % 10_000}")
    yield cell
    cell.peer.close()


def recorder(cell: Cell, folder: Path, *parameters: str) -> NodeProcess:
    arguments = [word for parameter in parameters for word in ("-p", parameter)]
    namespace = cell.peer.node.get_namespace()
    return NodeProcess("mentor_recorder", "recorder_node", namespace, folder, *arguments)


def test_no_step_is_lost_at_ten_times_the_rate_of_a_cell(cell: Cell, tmp_path: Path) -> None:
    process = recorder(cell, tmp_path, "folder:=bags")
    space = cell.peer.node.get_namespace()
    early = 20
    for i, (topic, message, _) in enumerate(episode_messages(201, STEPS)):
        cell.publish(topic.name, message)
        if i == 4 * early:  # so far nobody listened: the topics' history has it
            assert cell.peer.wait(
                lambda: cell.peer.node.count_subscribers(topics.OBSERVATION.name) > 0, 60.0
            )
        time.sleep(0.0025)
    node = f"{space}/stand_in_cell"
    (folder,) = (tmp_path / "bags").iterdir()
    assert cell.peer.wait(
        lambda: node in (Bag(folder).record("mentor", "parameters") or {}), 60.0
    ), process.output
    assert process.end() == 0, process.output
    bag = Bag(folder)
    assert check(bag).problems == []
    assert bag.counts[f"{space}/observation"] == STEPS + 1
    assert bag.counts[f"{space}/reward"] == STEPS
    assert bag.record("mentor", "parameters")[node]["speed"] == 0.5
    assert len(bag.record("mentor", "commit")) >= 7
    code = bag.record("mentor", "code")
    assert "mentor_reward/classifier/weights/slot_1.safetensors" in code
    assert f"{space}/camera/side/color/image_raw" not in bag.counts


def test_a_folder_that_cannot_be_written_stops_nothing_and_is_named(
    cell: Cell, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    process = recorder(cell, tmp_path, f"folder:={tmp_path / 'file'}", "diagnostics_period:=0.2")
    for topic, message, _ in episode_messages(202, 3):
        cell.publish(topic.name, message)
    assert cell.peer.wait(
        lambda: any(level == 2 and "not recording" in text for level, text in cell.reports), 60.0
    ), process.output
    assert process.process.poll() is None
    assert process.end() == 0
    assert process.output.count("recording has stopped, training continues") == 1


def test_what_stops_a_recording_and_what_goes_on_are_both_logged() -> None:
    """One line for both would be refused by the client library, in the thread that writes."""
    node: Any = SimpleNamespace(get_logger=lambda: get_logger("both"))
    for bad in (True, False, True):
        RecorderNode._on_report(node, "recording", bad)


def test_the_last_minutes_are_written_out_when_an_episode_is_not_valid(
    cell: Cell, tmp_path: Path
) -> None:
    process = recorder(cell, tmp_path, "profile:=fault", "folder:=bags", "fault_delay:=0.2")
    space = cell.peer.node.get_namespace()
    assert cell.peer.wait(cell.images.get_subscription_count, 60.0), process.output
    pixels = np.zeros((48, 64, 3), np.uint8)
    steps = list(episode_messages(203, 6))
    for topic, message, _ in steps[:-1]:
        cell.publish(topic.name, message)
        cell.images.publish(array_to_image(pixels, "rgb8", message.header.stamp))
    assert not (tmp_path / "bags").exists(), "nothing has gone wrong yet"
    stamp = steps[-1][1].header.stamp
    fault = reward_message(0.0, 203, 6, stamp, truncated=True, valid=False, reason="cable torn")
    cell.publish(topics.REWARD.name, fault)
    assert cell.peer.wait(lambda: "messages are in" in process.output, 60.0), process.output
    (folder,) = (tmp_path / "bags").glob("*-fault")
    bag = Bag(folder)
    assert bag.counts[f"{space}/camera/side/color/image_raw"] == len(steps) - 1
    assert bag.counts[f"{space}/observation"] == 7
    assert "cable torn" in bag.record("mentor", "fault")
    named = set()
    for _ in range(2):  # within one second, after which the bags are named
        answer = cell.call("recorder/keep")
        assert answer.success, answer.message
        named.add(tmp_path / answer.message.rpartition(" ")[2])
    assert {folder, *named} == set((tmp_path / "bags").iterdir()) and len(named) == 2
    assert process.end() == 0
    assert LAYOUT.frames == 3


def test_keeping_the_last_minutes_is_no_success_if_the_disk_refuses(
    cell: Cell, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    process = recorder(
        cell, tmp_path, "profile:=fault", f"folder:={tmp_path / 'file'}", "diagnostics_period:=0.2"
    )
    answer = cell.call("recorder/keep")
    while answer.message.startswith("the node is"):
        answer = cell.call("recorder/keep")
    assert not answer.success, answer.message
    assert answer.message.startswith(f"the last minutes are lost: bag {tmp_path / 'file'}/")
    assert cell.peer.wait(
        lambda: any(level == 2 and "minutes are lost" in text for level, text in cell.reports), 60.0
    ), process.output
    assert process.end() == 0, process.output


def test_a_fault_shortly_before_the_end_is_written(cell: Cell, tmp_path: Path) -> None:
    process = recorder(cell, tmp_path, "profile:=fault", "folder:=bags", "fault_delay:=60.0")
    assert cell.peer.wait(cell.images.get_subscription_count, 60.0), process.output
    stamp = array_to_image(np.zeros((1, 1, 3), np.uint8), "rgb8").header.stamp
    fault = reward_message(0.0, 204, 1, stamp, truncated=True, valid=False, reason="cable torn")
    cell.publish(topics.REWARD.name, fault)
    assert cell.peer.wait(lambda: "fault: episode 204" in process.output, 60.0), process.output
    assert process.end() == 0, process.output
    (folder,) = (tmp_path / "bags").iterdir()
    assert Bag(folder).counts[f"{cell.peer.node.get_namespace()}/reward"] == 1
    assert all(file.whole for file in Bag(folder).files), process.output
