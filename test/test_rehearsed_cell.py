"""The real cell, rehearsed: it does what the twin does, and survives its faults.

Through the robot's own protocol and librealsense.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from rehearsed_cell import ACTIONS, RehearsedCell, rehearsed
from rehearsed_faults import FAULTS, Fault

from mentor_common.env.ros_requests import EnvironmentLost
from mentor_common.messages import topics

pytestmark = pytest.mark.real_time
ALWAYS = ("box killed", "camera with another serial", "stacker killed")
"""The faults that are tried in every run of the tests."""


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


def test_the_description_has_the_joints_whose_states_are_published(fci: RehearsedCell) -> None:
    robot = ElementTree.fromstring(fci.newest(topics.ROBOT_DESCRIPTION).data)
    named = {joint.get("name") for joint in robot.findall("joint")}
    assert named >= set(fci.newest(topics.JOINT_STATES).name) >= {"fr3_joint7"}


def test_the_wrench_that_the_robot_reports_is_published(fci: RehearsedCell) -> None:
    wrench = fci.newest(topics.WRENCH)
    assert wrench.header.frame_id == "base"
    force, torque = wrench.wrench.force, wrench.wrench.torque
    assert np.isfinite([force.x, force.y, force.z, torque.x, torque.y, torque.z]).all()


def after(cell: RehearsedCell) -> None:
    """The next episode comes without starting any other node, and is whole."""
    cell.play(ACTIONS[:3])


def reset_until_refused(cell: RehearsedCell) -> str:
    """Begin episodes until that fails; return the reason."""
    until, usual = time.monotonic() + 60.0, cell.env.reset_timeout
    cell.env.reset_timeout = 5.0
    try:
        while time.monotonic() < until:
            cell.env.reset()
    except EnvironmentLost as error:
        return str(error)
    finally:
        cell.env.reset_timeout = usual
    raise AssertionError("episodes begin")


def survive(cell: RehearsedCell, fault: Fault) -> None:
    """A fault is named in one line, the arm stands, what was under way is not learned from, and
    after its end the cell goes on by itself."""
    cell.begin()
    assert cell.step()["valid"]
    since, others = len(cell.text()), cell.others(fault.started)
    try:
        fault.cause(cell)
        reason = cell.steps_until_invalid() if fault.invalid else reset_until_refused(cell)
        assert cell.stands(), f"the arm moves after: {reason}"
        until = time.monotonic() + 15.0
        while not (lines := named_by(fault, cell.text()[since:], reason)):
            assert time.monotonic() < until, f"nobody names it ({reason}): {cell.text()[since:]}"
            time.sleep(0.2)
    finally:
        fault.end(cell)
    after(cell)
    assert cell.others(fault.started) == others, "a node was started again"
    print(f"{fault.name}: {lines[0]}")


def named_by(fault: Fault, text: str, reason: str) -> list[str]:
    """Return the lines that name a fault."""
    return [line for line in (*text.splitlines(), reason) if re.search(fault.named, line)]


def by_name(fault: Fault) -> str:
    return fault.name.replace(" ", "_")


@pytest.mark.parametrize("fault", [one for one in FAULTS if one.name in ALWAYS], ids=by_name)
def test_a_fault_is_named_ends_the_episode_and_the_next_one_is_whole(
    fci: RehearsedCell, fault: Fault
) -> None:
    survive(fci, fault)


@pytest.mark.soak
@pytest.mark.parametrize("fault", FAULTS, ids=by_name)
@pytest.mark.parametrize("time_of_ten", range(10))
def test_each_fault_ten_times(fci: RehearsedCell, fault: Fault, time_of_ten: int) -> None:
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
