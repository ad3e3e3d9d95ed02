"""Every display of an RViz configuration has a topic of its type in the cell, with a QoS that fits.

RViz itself is in no package here: what is checked is what it would subscribe to.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ament_index_python.packages import get_package_share_directory
from node_process import NodeProcess, Observer, eventually
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

from mentor_common.tasks.task import find_task

FOLDER = Path(get_package_share_directory("mentor_bringup")) / "rviz"
TYPES = {
    "Image": "sensor_msgs/msg/Image",
    "MarkerArray": "visualization_msgs/msg/MarkerArray",
    "Pose": "geometry_msgs/msg/PoseStamped",
    "RobotModel": "std_msgs/msg/String",
}
TASKS = ["cable_routing", "peg_insertion", "tabletop_golf"]


def displays(task: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return name, message type and topic settings of each display that has a topic."""
    config = yaml.safe_load((FOLDER / f"{task}.rviz").read_text())
    found = []
    for display in config["Visualization Manager"]["Displays"]:
        topic = display.get("Topic") or display.get("Description Topic")
        if topic is not None:
            kind = display["Class"].rpartition("/")[2]
            found.append((display["Name"], TYPES[kind], topic))
    return found


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_a_configuration_with_all_its_cameras(task: str) -> None:
    config = yaml.safe_load((FOLDER / f"{task}.rviz").read_text())
    shown = {topic["Value"] for _, _, topic in displays(task)}
    assert {camera.topic for camera in find_task(task).cameras} <= shown
    frame = config["Visualization Manager"]["Global Options"]["Fixed Frame"]
    assert frame == find_task(task).workspace.frame


FIRST, *FURTHER = TASKS


@pytest.fixture(
    scope="module",
    params=[FIRST, *(pytest.param(task, marks=pytest.mark.soak) for task in FURTHER)],
)
def cell(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Observer]]:
    task = str(request.param)
    folder = tmp_path_factory.mktemp(task)
    arguments = ("-p", f"task:={task}", "-r", "/clock:=clock")
    nodes = (
        ("mentor_sim_bridge", "twin_node"),
        ("mentor_camera", "stacker_node"),
        ("mentor_recorder", "scene_node"),
    )
    processes = [NodeProcess(*node, f"/{task}", folder, *arguments) for node in nodes]
    observer = Observer()
    yield task, observer
    observer.close()
    for process in processes:
        process.end()


def test_every_display_finds_its_topic_in_a_live_cell(cell: tuple[str, Observer]) -> None:
    task, observer = cell
    for name, kind, topic in displays(task):
        full = f"/{task}/{topic['Value']}"
        offers = eventually(lambda full=full: observer.node.get_publishers_info_by_topic(full))
        assert offers, f"{name}: nobody publishes {full}"
        for offer in offers:
            assert offer.topic_type == kind, name
            qos = offer.qos_profile
            if topic["Reliability Policy"] == "Reliable":
                assert qos.reliability == ReliabilityPolicy.RELIABLE, name
            if topic["Durability Policy"] == "Transient Local":
                assert qos.durability == DurabilityPolicy.TRANSIENT_LOCAL, name
