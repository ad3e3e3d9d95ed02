"""The robot's own reflexes, over its protocol, with a box that enforces them (make reflexes)."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mentor_arm.backends.fci import FciDriver
from mentor_arm.backends.real_arm import RealArm
from mentor_arm.limits import task_bounds
from mentor_common.cell.cell_file import load_cell
from mentor_common.tasks.task import find_task

BOX = Path(__file__).with_name("box_with_reflexes.py")
PYTHON = Path(__file__).parents[3] / ".venv-reflexes" / "bin" / "python"
ADDRESS = "127.77.15.3"
CELL = f"""
name: reflexes
robot:
  address: {ADDRESS}
  realtime: ignore
  base: {{translation: [-0.0544, -0.3, -0.636], rotation: [0.0, 0.0, 0.0]}}
"""
"""With this base the simulated arm stands in the middle of the cable task's box."""
STALL = 0.5  # seconds without a command; the robot tolerates 0.02

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(not PYTHON.exists(), reason="needs franka-sim: make reflexes"),
]


@pytest.fixture(scope="module")
def arm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealArm]:
    folder = tmp_path_factory.mktemp("reflexes")
    (folder / "cell.yaml").write_text(CELL)
    cell, task = load_cell(folder / "cell.yaml"), find_task("cable_routing")
    found = importlib.util.find_spec("franky_sim")
    assert found is not None and found.origin is not None
    model = Path(found.origin).parent / "assets" / "fr3.xml"
    driver = FciDriver(cell.robot, task.arm)
    arm = RealArm(driver, task.workspace, task.arm, task_bounds(task, cell), rate=100.0)
    with (folder / "box.txt").open("wb") as log:
        box = subprocess.Popen([PYTHON, BOX, ADDRESS, model], stdout=log, stderr=log)
    try:
        arm.recover(60.0)  # connects as soon as the box is there
        assert not arm.fault, (arm.fault, (folder / "box.txt").read_text()[-2000:])
        yield arm
    finally:
        driver.close()
        box.kill()
        box.wait()


def hold(arm: RealArm, seconds: float) -> None:
    """Send commands for a while to hold the arm where it is."""
    position, _ = arm.pose()
    arm.hold(np.array([*position, 0.0]), seconds)


def stall() -> None:
    """Stop this process, the robot's client, for a moment from now on."""
    own = os.getpid()
    script = f"sleep 0.2; kill -STOP {own}; sleep {STALL}; kill -CONT {own}"
    subprocess.Popen(["sh", "-c", script], start_new_session=True)


def recover(arm: RealArm) -> None:
    """Recover until the arm takes commands; a busy machine may bring about a reflex of its own."""
    for _ in range(20):
        arm.recover(10.0)
        commands = arm.commands
        hold(arm, 0.1)
        if not arm.fault:
            break
    assert not arm.fault and arm.commands > commands


def meet_a_reflex(arm: RealArm) -> None:
    recover(arm)
    before, _ = arm.pose()
    stall()
    until = time.monotonic() + 10.0
    while not arm.fault and time.monotonic() < until:
        hold(arm, 0.1)
    assert "aborted by reflex" in arm.fault and "communication_constraints_violation" in arm.fault
    assert ADDRESS in arm.fault
    commands = arm.commands
    hold(arm, 0.1)
    assert arm.commands == commands, "nothing is commanded in a fault"
    recover(arm)
    after, _ = arm.pose()
    assert np.abs(after - before).max() < 0.01, "the arm has held still"


def test_a_reflex_is_named_stops_the_commands_and_recover_ends_it(arm: RealArm) -> None:
    meet_a_reflex(arm)


@pytest.mark.soak
@pytest.mark.parametrize("time_of_ten", range(10))
def test_a_reflex_ten_times(arm: RealArm, time_of_ten: int) -> None:
    meet_a_reflex(arm)
