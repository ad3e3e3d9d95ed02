"""A rehearsed fault of a camera that the task does not have is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mentor_sim_bridge.nodes.camera_faults import unknown_cameras


def test_only_cameras_of_the_task_may_be_named() -> None:
    values = {"task": "cable_routing", "unplugged": "slot_1, side", "swapped": ""}
    assert unknown_cameras(values) is None
    said = unknown_cameras(values | {"swapped": "slot_3,side"})
    assert said is not None and said.startswith("swapped: task cable_routing has no camera")
    assert "['slot_3']" in said and "'slot_1'" in said
    assert unknown_cameras({"task": "of nobody", "unplugged": "side"}) is None


@pytest.mark.parametrize("node", ["twin_node", "rehearsal_node"])
def test_a_node_with_an_unknown_camera_unplugged_ends_and_names_it(node: str) -> None:
    parameters = ["-p", "task:=cable_routing", "-p", "unplugged:=slot_3"]
    ended = subprocess.run(
        [sys.executable, "-m", f"mentor_sim_bridge.nodes.{node}", "--ros-args", *parameters],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ended.returncode != 0
    assert "unplugged: task cable_routing has no camera ['slot_3']" in ended.stderr
