"""The real cell, rehearsed: its nodes against a simulated control box and simulated cameras.

Everything goes through the robot's own protocol and librealsense, in real time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_peer import FakePartner
from node_process import Observer
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from std_srvs.srv import SetBool, Trigger

from mentor_common.env.ros_env import RosEnv
from mentor_common.env.ros_requests import EnvironmentLost
from mentor_common.messages import topics
from mentor_msgs.msg import Motion

pytestmark = pytest.mark.real_time

LAUNCH = Path(__file__).parent.parent / "launch"
TASK = LAUNCH / "tasks" / "cable_routing.yaml"
CELL_FILE = LAUNCH / "cells" / "rehearsal.yaml"
CAMERAS = ("side", "slot_1", "slot_2")
ACTIONS = np.random.default_rng(7).uniform(-1.0, 1.0, (20, 2)).astype(np.float32)


def nodes_of(robot: str) -> dict[str, tuple[str, list[str]]]:
    """Return module and parameters of each node, by name."""
    cell = f"cell:={CELL_FILE}"
    above = {
        "reward": ("mentor_reward.nodes.reward_node", ["task:=cable_routing"]),
        "reset": (
            "mentor_reset.nodes.reset_node",
            ["task:=cable_routing", "observation_timeout:=4.0"],
        ),
    }
    if robot == "twin":
        return {
            "twin": ("mentor_sim_bridge.nodes.twin_node", []),
            "stacker": ("mentor_camera.nodes.stacker_node", ["image_reliability:=reliable"]),
            **above,
        }
    cameras = {
        f"camera_{name}": (
            "mentor_camera.nodes.realsense_camera",
            [f"camera:={name}", cell, "source:=rehearsal", "warm_up:=0.2", "frame_timeout:=0.5",
             "reconnect_period:=0.3"],
        )
        for name in CAMERAS
    }  # fmt: skip
    return {
        "rehearsal": ("mentor_sim_bridge.nodes.rehearsal_node", [f"protocol:={robot}"]),
        "arm": ("mentor_arm.nodes.arm_node", [f"backend:={robot}", cell, "armed:=true"]),
        **cameras,
        "stacker": ("mentor_camera.nodes.stacker_node", [cell]),
        **above,
    }


class RehearsedCell:
    """The nodes of a cell, each a process of its own, and whoever acts in it."""

    def __init__(self, robot: str, folder: Path) -> None:
        self.robot, self.log = robot, folder / f"{robot}.txt"
        self._nodes = nodes_of(robot)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for name in self._nodes:
            self.start(name)
        self.env = RosEnv(reset_timeout=90.0, use_sim_time=robot == "twin")
        self._peer = FakePartner("witness")
        self.motions: dict[tuple[int, int], Motion] = {}
        topic = topics.MOTION
        self._peer.node.create_subscription(topic.type, topic.name, self._on_motion, topic.qos)
        self._peer.begin()

    def _on_motion(self, message: Motion) -> None:
        self.motions[message.episode, message.step] = message

    def start(self, name: str) -> None:
        module, parameters = self._nodes[name]
        clock = f"use_sim_time:={'true' if self.robot == 'twin' else 'false'}"
        words = [w for p in (clock, f"task:={TASK}", *parameters) for w in ("-p", p)]
        command = [sys.executable, "-m", module, "--ros-args", "-r", f"__node:={name}", *words]
        with self.log.open("ab") as stream:
            self.processes[name] = subprocess.Popen(
                command, stdout=stream, stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )  # fmt: skip

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait()

    def box(self) -> int:
        """Return the process of the simulated control box."""
        parent = self.processes["rehearsal"].pid
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            for child in children.read_text().split():
                if "control_box" in Path(f"/proc/{child}/cmdline").read_text():
                    return int(child)
        raise AssertionError(f"no control box: {self.text()[-2000:]}")

    def set(self, node: str, name: str, value: Any) -> None:
        kinds = {
            str: ("string_value", ParameterType.PARAMETER_STRING),
            float: ("double_value", ParameterType.PARAMETER_DOUBLE),
            bool: ("bool_value", ParameterType.PARAMETER_BOOL),
        }
        field, kind = kinds[type(value)]
        with closing(Observer()) as observer:
            wanted = ParameterValue(type=kind, **{field: value})
            result = observer.set(f"/{node}", Parameter(name=name, value=wanted))
        assert result.successful, result.reason

    def call(self, kind: Any, name: str, request: Any) -> Any:
        with closing(Observer()) as observer:
            return observer.call(kind, name, request)

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def says(self, text: str, since: int, seconds: float = 30.0) -> bool:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if text in self.text()[since:]:
                return True
            time.sleep(0.1)
        return False

    def begin(self) -> np.ndarray:
        """Begin an episode as soon as the cell can, without starting anything again."""
        until = time.monotonic() + 90.0
        while True:
            try:
                return self.env.reset()[0]
            except EnvironmentLost:
                assert time.monotonic() < until, f"no new episode:\n{self.text()[-4000:]}"

    def step(self, action: np.ndarray = ACTIONS[0]) -> dict[str, Any]:
        """Act once; return what the agent is told."""
        observation, reward, _, truncated, info = self.env.step(action)
        assert info["valid"] or truncated, "a step that is not valid ends its episode"
        return {**info, "observation": observation, "reward": reward, "truncated": truncated}

    def steps_until_invalid(self, seconds: float = 40.0) -> str:
        """Act until a step is not to be learned from; return the reason."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                told = self.step()
                if not told["valid"]:
                    return str(told["reason"])
                if told["truncated"]:
                    self.begin()
            except EnvironmentLost as error:
                return str(error)
        raise AssertionError(f"nothing ended the episode:\n{self.text()[-3000:]}")

    def close(self) -> None:
        self._peer.close()
        self.env.close()
        for process in self.processes.values():
            process.send_signal(signal.SIGINT)
        for process in self.processes.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def rehearsed(robot: str, folder: Path) -> Iterator[RehearsedCell]:
    cell = RehearsedCell(robot, folder)
    try:
        yield cell
    finally:
        cell.close()


@pytest.fixture(scope="module")
def fci(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsedCell]:
    yield from rehearsed("fci", tmp_path_factory.mktemp("fci"))


def play(cell: RehearsedCell) -> dict[str, Any]:
    """Act the same 20 actions; return what came of them."""
    first = cell.begin()
    told = [cell.step(action) for action in ACTIONS]
    assert all(one["valid"] for one in told), [one.get("reason") for one in told]
    episode = cell.env.episode
    assert cell._peer.wait(lambda: (episode, 20) in cell.motions, 10.0)
    motions = [cell.motions[episode, step] for step in range(1, 21)]
    return {
        "shape": first.shape,
        "dtype": first.dtype,
        "poses": np.array([motion.normalized for motion in motions]),
        "clipped": [motion.clipped for motion in motions],
        "terms": {tuple(one["reward_terms"]) for one in told},
        "rewards": [one["reward"] for one in told],
        "pixels": np.mean([one["observation"] for one in told], axis=0),
    }


def test_twenty_actions_lead_to_the_same_through_the_twin_and_both_robots(
    fci: RehearsedCell, tmp_path: Path
) -> None:
    """The observations' layout, the motions, the workspace and the rewards."""
    seen = {"fci": play(fci)}
    for robot in ("twin", "ros2_control"):
        for cell in rehearsed(robot, tmp_path):
            seen[robot] = play(cell)
    for robot in ("fci", "ros2_control"):
        real, twin = seen[robot], seen["twin"]
        assert (real["shape"], real["dtype"], real["terms"]) == (
            twin["shape"], twin["dtype"], twin["terms"]
        )  # fmt: skip
        assert np.abs(real["poses"]).max() <= 1.1, "outside the workspace and its window"
        # Each begins where its reset drew it: the ways are compared, not the places.
        free = [i for i in range(1, 20) if not (real["clipped"][i] or twin["clipped"][i])]
        ways = [np.diff(one["poses"], axis=0)[[i - 1 for i in free]] for one in (real, twin)]
        assert np.abs(ways[0] - ways[1]).max() < 0.1
        assert set(np.round(real["rewards"], 3)) <= {-4.0, -3.0, -1.0, 0.0, 1.0, 2.0, 3.0, 5.0, 6.0,
                                                     8.0, 10.0, 15.0, 18.0}  # fmt: skip


def after(cell: RehearsedCell) -> None:
    """The next episode comes without starting any other node, and is whole."""
    cell.begin()
    for action in ACTIONS[:3]:
        assert cell.step(action)["valid"]


def server_killed(cell: RehearsedCell) -> str:
    os.kill(cell.box(), signal.SIGKILL)
    return "of the robot at 127."


def power_cycled(cell: RehearsedCell) -> str:
    cell.call(SetBool, "/rehearsal/power", SetBool.Request(data=False))
    time.sleep(2.0)
    cell.call(SetBool, "/rehearsal/power", SetBool.Request(data=True))
    return "of the robot at 127."


def camera_unplugged(cell: RehearsedCell) -> str:
    cell.set("rehearsal", "unplugged", "slot_1")
    assert cell.says("camera 'slot_1'", len(cell.text()) - 200)
    return "camera 'slot_1'"


def camera_clock_off(cell: RehearsedCell) -> str:
    cell.set("rehearsal", "camera_clock_offset", 2.0)
    return "in the future"


def held(cell: RehearsedCell) -> str:
    assert cell.call(Trigger, "/hold", Trigger.Request()).success
    return "held by a person"


FAULTS = {
    server_killed: lambda cell: None,
    power_cycled: lambda cell: None,
    camera_unplugged: lambda cell: cell.set("rehearsal", "unplugged", ""),
    camera_clock_off: lambda cell: cell.set("rehearsal", "camera_clock_offset", 0.0),
    held: lambda cell: cell.call(SetBool, "/armed", SetBool.Request(data=True)),
}


def survive(cell: RehearsedCell, fault: Any) -> None:
    cell.begin()
    assert cell.step()["valid"]
    since = len(cell.text())
    named = fault(cell)
    reason = cell.steps_until_invalid()
    assert cell.says(named, since), f"nobody names it; the agent was told: {reason}"
    FAULTS[fault](cell)
    after(cell)


@pytest.mark.parametrize("fault", [server_killed, camera_unplugged, held])
def test_a_fault_is_named_ends_the_episode_and_the_next_one_is_whole(
    fci: RehearsedCell, fault: Any
) -> None:
    survive(fci, fault)


@pytest.mark.soak
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("time_of_ten", range(10))
def test_each_fault_ten_times(fci: RehearsedCell, fault: Any, time_of_ten: int) -> None:
    survive(fci, fault)


@pytest.mark.soak
@pytest.mark.parametrize("time_of_ten", range(10))
def test_a_stall_of_a_tenth_of_a_second_is_ridden_out(fci: RehearsedCell, time_of_ten: int) -> None:
    fci.begin()
    assert fci.step()["valid"]
    box = fci.box()
    os.kill(box, signal.SIGSTOP)
    time.sleep(0.1)
    os.kill(box, signal.SIGCONT)
    after(fci)


@pytest.mark.soak
@pytest.mark.parametrize("name", ["arm", "camera_side", "stacker", "reward", "reset"])
@pytest.mark.parametrize("time_of_ten", range(10))
def test_each_node_killed_ten_times(fci: RehearsedCell, name: str, time_of_ten: int) -> None:
    fci.begin()
    assert fci.step()["valid"]
    fci.kill(name)
    time.sleep(4.0)  # until its lease is over
    fci.start(name)
    after(fci)
