"""The real cell, rehearsed: it does what the twin does, and survives its faults.

Through the robot's own protocol and librealsense.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rehearsed_cell import ACTIONS, RehearsedCell, rehearsed
from std_srvs.srv import SetBool, Trigger

pytestmark = pytest.mark.real_time


@pytest.fixture(scope="module")
def fci(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsedCell]:
    for cell in rehearsed("fci", tmp_path_factory.mktemp("fci")):
        cell.wait_until_whole()
        yield cell


def play(cell: RehearsedCell) -> dict[str, Any]:
    """Act the same 20 actions; return what came of them."""
    first, told = cell.play(ACTIONS, seed=3)
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
    }


def test_twenty_actions_lead_to_the_same_through_the_twin_and_both_robots(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The observations' layout, the motions, the workspace and the rewards.

    The first test here: the cell of the others comes when the twin and the other robot are gone.
    """
    seen: dict[str, dict[str, Any]] = {}
    for robot in ("twin", "ros2_control"):
        for cell in rehearsed(robot, tmp_path):
            cell.wait_until_whole()
            seen[robot] = play(cell)
    seen["fci"] = play(request.getfixturevalue("fci"))
    for robot in ("fci", "ros2_control"):
        real, twin = seen[robot], seen["twin"]
        assert (real["shape"], real["dtype"], real["terms"]) == (
            twin["shape"], twin["dtype"], twin["terms"]
        )  # fmt: skip
        assert np.abs(real["poses"]).max() <= 1.1, "outside the workspace and its window"
        # The same start and the same targets: what differs is how far the cable holds the arm back.
        apart = np.abs(real["poses"] - twin["poses"])
        assert np.median(apart) < 0.06 and apart.max() < 0.4, (robot, apart.max(axis=0))
        assert real["clipped"] == twin["clipped"]
        assert set(np.round(real["rewards"], 3)) <= {-4.0, -3.0, -1.0, 0.0, 1.0, 2.0, 3.0, 5.0, 6.0,
                                                     8.0, 10.0, 15.0, 18.0}  # fmt: skip


def after(cell: RehearsedCell) -> None:
    """The next episode comes without starting any other node, and is whole."""
    cell.play(ACTIONS[:3])


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


@pytest.mark.parametrize("fault", [server_killed, camera_unplugged])
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
