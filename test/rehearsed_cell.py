"""The nodes of a cell as processes, with any robot: a twin, or a real one that is rehearsed."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from fake_peer import FakePeer
from forked import ForkedProcess
from node_process import Observer
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue

from mentor_common.cell.rehearsal_place import rehearsal_folder
from mentor_common.env.ros_env import RosEnv
from mentor_common.env.ros_requests import EnvironmentLost
from mentor_common.messages import topics
from mentor_common.tasks.task import find_task
from mentor_msgs.msg import Motion
from mentor_sim_bridge.twins.rehearsal.shared_state import SharedState
from mentor_sim_bridge.twins.rehearsal.world import World

LAUNCH = Path(__file__).parent.parent / "launch"
TASK = LAUNCH / "tasks" / "cable_routing.yaml"
CELL_FILE = LAUNCH / "cells" / "rehearsal.yaml"
CAMERAS = ("side", "slot_1", "slot_2")
STILL = 0.02  # radians of a joint in half a second: the cable may pull at an arm that holds
ACTIONS = np.random.default_rng(7).uniform(-1.0, 1.0, (20, 2)).astype(np.float32)


def nodes_of(robot: str) -> dict[str, tuple[str, list[str]]]:
    """Return module and parameters of each node, by name."""
    cell = f"cell_file:={CELL_FILE}"
    above = {
        "reward": ("mentor_reward.nodes.reward_node", []),
        "reset": ("mentor_reset.nodes.reset_node", ["observation_timeout:=4.0"]),
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
        "arm": (
            "mentor_arm.nodes.arm_node",
            # Whoever tests beside this may hold the agent up for longer than the task allows.
            [f"backend:={robot}", cell, "armed:=true", "action_deadline:=2.0"],
        ),
        **cameras,
        "stacker": ("mentor_camera.nodes.stacker_node", [cell]),
        **above,
    }


class RehearsedCell:
    """The nodes of a cell, each a process of its own, and whoever acts in it."""

    def __init__(self, robot: str, folder: Path) -> None:
        self.robot, self.log = robot, folder / f"{robot}.txt"
        self._nodes = nodes_of(robot)
        self._world: World | None = None
        self.processes: dict[str, ForkedProcess] = {}
        for name in self._nodes:
            self.start(name)
        self.env = RosEnv(reset_timeout=90.0, use_sim_time=robot == "twin")
        self._peer = FakePeer("witness")
        self.motions: dict[tuple[int, int], Motion] = {}
        topic = topics.MOTION
        self._peer.node.create_subscription(topic.type, topic.name, self._on_motion, topic.qos)
        self._peer.begin()

    def _on_motion(self, message: Motion) -> None:
        self.motions[message.episode, message.step] = message

    def newest(self, topic: topics.Topic) -> Any:
        """Return the newest message of a topic."""
        heard: list[Any] = []
        self._peer.node.create_subscription(topic.type, topic.name, heard.append, topic.qos)
        assert self._peer.wait(lambda: bool(heard), 10.0), topic.name
        return heard[-1]

    def start(self, name: str) -> None:
        module, parameters = self._nodes[name]
        clock = f"use_sim_time:={'true' if self.robot == 'twin' else 'false'}"
        words = [w for p in (clock, f"task:={TASK}", *parameters) for w in ("-p", p)]
        arguments = ["--ros-args", "-r", f"__node:={name}", *words]
        self.processes[name] = ForkedProcess(module, arguments, self.log)

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
            int: ("integer_value", ParameterType.PARAMETER_INTEGER),
        }
        field, kind = kinds[type(value)]
        with closing(Observer()) as observer:
            wanted = ParameterValue(type=kind, **{field: value})
            result = observer.set(f"/{node}", Parameter(name=name, value=wanted))
        assert result.successful, result.reason

    def call(self, kind: Any, name: str, request: Any) -> Any:
        with closing(Observer()) as observer:
            return observer.call(kind, name, request)

    def angles(self) -> np.ndarray | None:
        """Return the arm's joint angles in the twin, (7,) radians; None while the box is off."""
        if self._world is None:
            self._world = World(find_task(str(TASK)), seed=0)
        model = self._world.model
        shared = SharedState(rehearsal_folder("") / "state", model.nq, model.nv)
        state = shared.read()
        if state is None or time.time_ns() - state.stamp_ns > 1e9:
            return None
        self._world.data.qpos[:] = state.qpos
        return self._world.angles

    def stands(self, seconds: float = 0.5) -> bool:
        """Return whether the arm stands still for a while; one without its box does."""
        before = self.angles()
        time.sleep(seconds)
        after = self.angles()
        return before is None or after is None or bool(np.abs(after - before).max() < STILL)

    def others(self, names: Collection[str]) -> dict[str, int]:
        """Return the process of each node but some; all of them run."""
        for name, process in self.processes.items():
            assert process.poll() is None, f"{name} has ended: {self.text()[-3000:]}"
        return {name: one.pid for name, one in self.processes.items() if name not in names}

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def says(self, text: str, since: int, seconds: float = 30.0) -> bool:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if text in self.text()[since:]:
                return True
            time.sleep(0.1)
        return False

    def begin(self, seed: int | None = None) -> np.ndarray:
        """Begin an episode as soon as the cell can, without starting anything again."""
        until = time.monotonic() + 90.0
        while True:
            try:
                return self.env.reset(seed=seed)[0]
            except EnvironmentLost:
                assert time.monotonic() < until, f"no new episode:\n{self.text()[-4000:]}"

    def wait_until_whole(self) -> None:
        """Act until one step has come through: all nodes have found each other."""
        until = time.monotonic() + 120.0
        while time.monotonic() < until:
            self.begin()
            try:
                if self.step()["valid"]:
                    return
            except EnvironmentLost:
                continue
        raise AssertionError(f"the nodes do not find each other:\n{self.text()[-4000:]}")

    def step(self, action: np.ndarray = ACTIONS[0]) -> dict[str, Any]:
        """Act once; return what the agent is told."""
        observation, reward, _, truncated, info = self.env.step(action)
        assert info["valid"] or truncated, "a step that is not valid ends its episode"
        return {**info, "observation": observation, "reward": reward, "truncated": truncated}

    def play(
        self, actions: np.ndarray, seed: int | None = None
    ) -> tuple[np.ndarray, list[dict[str, Any]]]:
        """Act a whole episode of these actions; return its first observation and what was told.

        On a machine that is busy with something else an episode may be cut off: it begins anew.
        """
        reasons: list[str] = []
        for _ in range(5):
            first, told = self.begin(seed), []
            for action in actions:
                told.append(self.step(action))
                if not told[-1]["valid"]:
                    reasons.append(str(told[-1].get("reason")))
                    break
            else:
                return first, told
        raise AssertionError(f"no whole episode: {reasons}")

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
