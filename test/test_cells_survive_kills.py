"""Kill -9 a node of a running cell: whoever misses it says so, and after its return the cell goes
on from the next episode. Every step is compared with the environment in process: a wrong
transition would show.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from forked import ForkedProcess
from node_process import Observer, eventually
from std_srvs.srv import Trigger

from mentor_common.env.ros_env import EnvironmentLost, RosEnv

IN_PROCESS = {
    "cable_routing": "mentor/cable_routing_classified-v0",
    "peg_insertion": "mentor/peg_insertion_sensors-v0",
    "tabletop_golf": "mentor/tabletop_golf_sensors-v0",
}
NODES = {
    "twin": ("mentor_sim_bridge.nodes.twin_node",),
    "stacker": ("mentor_camera.nodes.stacker_node", "image_reliability:=reliable"),
    "reward": ("mentor_reward.nodes.reward_node",),
    "reset": ("mentor_reset.nodes.reset_node", "observation_timeout:=1.5"),
}
MISSED_BY_OTHERS = {
    "twin": ("/motion", "/move_to"),
    "stacker": ("/observation",),
    # Only the agent misses these: its error names them.
    "reward": ("/reward",),
    "reset": ("/reset_episode",),
}


LEASE_OVER = 4.0
"""Seconds after a kill in which the others forget the node."""


class Cell:
    """The nodes of a cell, each a process of its own, and an agent beside its own simulation."""

    def __init__(self, task: str, folder: Path) -> None:
        self.task, self.log = task, folder / "cell.txt"
        self.processes: dict[str, ForkedProcess] = {}
        for name in NODES:
            self.start(name)
        self.env = RosEnv(reset_timeout=60.0, use_sim_time=True)
        self.reference = gymnasium.make(IN_PROCESS[task], disable_env_checker=True)
        self.random = np.random.default_rng(0)

    def start(self, name: str) -> None:
        module, *parameters = NODES[name]
        words = [
            w for p in ("use_sim_time:=true", f"task:={self.task}", *parameters) for w in ("-p", p)
        ]
        self.processes[name] = ForkedProcess(module, ["--ros-args", *words], self.log)

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait()

    def close(self) -> None:
        self.env.close()
        self.reference.close()
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(60)

    def begin(self, seed: int) -> None:
        """Begins an episode on both sides, as soon as the cell can."""
        until = time.monotonic() + 60.0
        while True:
            try:
                observation, _ = self.env.reset(seed=seed)
                break
            except EnvironmentLost:
                assert time.monotonic() < until, f"no new episode:\n{self.log.read_text()[-3000:]}"
        expected, _ = self.reference.reset(seed=seed)
        assert np.array_equal(observation, expected)

    def step(self) -> bool:
        """One step on both sides; whether it is to be learned from. A wrong one fails."""
        action = self.random.uniform(-1, 1, self.env.action_space.shape).astype(np.float32)
        observation, reward, _, truncated, info = self.env.step(action)
        if not info["valid"]:
            assert truncated, "a step that is not valid ends its episode"
            return False
        expected, right, *_ = self.reference.step(action)
        assert np.array_equal(observation, expected), "a wrong transition reached the agent"
        assert reward == right
        return True

    def goes_on(self, seed: int) -> bool:
        """Whether three steps of a new episode are whole. On a busy machine a node that has just
        come back may be found by some of the others later: then the agent is told of it."""
        self.begin(seed)
        try:
            assert self.step() and self.step() and self.step()
        except EnvironmentLost:
            return False
        return True

    def steps_without(self, name: str) -> str:
        """Goes on while a node is away, until its lease is over; what the agent was told."""
        told = ""
        until = time.monotonic() + LEASE_OVER
        while time.monotonic() < until or not told:
            try:
                if not self.step():
                    told += "a step that is not valid; "
                    break
                if name == "reset":  # only the next reset needs it
                    self.env.reset_timeout = 5.0
                    self.env.reset(seed=1)
            except EnvironmentLost as error:
                told += str(error)
                break
            finally:
                self.env.reset_timeout = 60.0
        time.sleep(max(0.0, until - time.monotonic()))
        return told


@pytest.fixture(scope="module", params=IN_PROCESS)
def cell(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cell]:
    cell = Cell(request.param, tmp_path_factory.mktemp("cell"))
    yield cell
    cell.close()


def survive(cell: Cell, name: str, seed: int) -> None:
    cell.begin(seed)
    assert cell.step() and cell.step()
    said_before = len(cell.log.read_text())
    cell.kill(name)
    told = cell.steps_without(name)

    def missed() -> bool:
        said = told + cell.log.read_text()[said_before:]
        return any(missed in said for missed in MISSED_BY_OTHERS[name])

    assert eventually(missed, 6.0), f"nobody misses it: {told}{cell.log.read_text()[said_before:]}"
    cell.start(name)
    until = time.monotonic() + 60.0
    while not cell.goes_on(seed + 1):
        assert time.monotonic() < until, f"no whole episode:\n{cell.log.read_text()[-3000:]}"


@pytest.mark.parametrize("name", NODES)
def test_a_killed_node_is_missed_by_name_and_the_next_episode_is_whole(
    cell: Cell, name: str
) -> None:
    survive(cell, name, seed=100)


def test_a_fault_of_the_twin_ends_the_episode_and_the_reset_mends_it(cell: Cell) -> None:
    cell.begin(300)
    assert cell.step()
    with closing(Observer()) as observer:
        answer = observer.call(Trigger, "/twin/fail", Trigger.Request())
    assert answer.success, answer.message
    assert not cell.step(), "the step is not to be learned from"
    cell.begin(301)
    assert cell.step() and cell.step()


@pytest.mark.soak
@pytest.mark.parametrize("name", NODES)
@pytest.mark.parametrize("time_of_ten", range(10))
def test_ten_times_each(cell: Cell, name: str, time_of_ten: int) -> None:
    survive(cell, name, seed=1000 + 10 * time_of_ten)
