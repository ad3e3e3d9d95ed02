"""A joint at its limit, over the robot's own protocol with a simulated control box."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from mentor_arm.backends.driver import DriverError
from mentor_arm.backends.fci import JOINT_HIGH, FciDriver
from mentor_arm.backends.real_arm import RealArm
from mentor_arm.limits import task_bounds
from mentor_common.arm.arm import Arm
from mentor_common.arm.step_server import MoveFailed, StepServer
from mentor_common.cell.cell_file import load_cell
from mentor_common.cell.hardware_library import hardware_library
from mentor_common.tasks.task import find_task

pytestmark = [pytest.mark.real_time, pytest.mark.soak]
ADDRESS = "127.77.15.6"
CELL = f"""
name: joint_limit
robot:
  address: {ADDRESS}
  realtime: ignore
  base: {{translation: [-0.0544, -0.3, -0.636], rotation: [0.0, 0.0, 0.0]}}
"""
"""With this base the simulated arm stands in the middle of the cable task's box."""
NEAR = 0.01  # radians from its limit to which a person guides the last joint


class Silent:
    """Nobody listens to what the arm publishes."""

    def show(self, frames: bool) -> None: ...

    def moved(self, episode: int, step: int, outcome: object) -> None: ...

    def pace(self) -> None: ...


class Robot:
    """The arm over FCI, and a person who guides it while nobody else holds the box."""

    def __init__(self, folder: Path) -> None:
        (folder / "cell.yaml").write_text(CELL)
        cell, task = load_cell(folder / "cell.yaml"), find_task("cable_routing")
        self.franky = hardware_library("franky", "franky-control")
        self.driver = FciDriver(cell.robot, task.arm)
        self.real = RealArm(self.driver, task.workspace, task.arm, task_bounds(task, cell), 100.0)
        arm = Arm(self.real, task.workspace, task.deltas, task.episode.period)
        self.steps = StepServer(arm, len(task.action), Silent())

    def guide(self, angle: float) -> float:
        """Move the last joint to an angle; return where it was."""
        self.driver.close()
        until = time.monotonic() + 60.0
        robot = None
        while robot is None:
            assert time.monotonic() < until
            with suppress(DriverError):
                robot = self.driver.dial()
        before = np.array(robot.state.q)
        robot.relative_dynamics_factor = 0.5
        while abs(robot.state.q[6] - angle) > NEAR / 2.0:  # a slow machine stops a motion short
            assert time.monotonic() < until
            robot.move(self.franky.JointMotion([*before[:6], angle]))
        return float(before[6])


@pytest.fixture(scope="module")
def robot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Robot]:
    folder = tmp_path_factory.mktemp("joint_limit")
    command = [sys.executable, "-m", "franky_sim.run_server", "--simulator", "mujoco"]
    command += ["--hostname", ADDRESS]
    with (folder / "box.txt").open("wb") as log:
        box = subprocess.Popen(command, stdout=log, stderr=log)
    robot = Robot(folder)
    try:
        robot.real.recover(60.0)
        assert not robot.real.fault, (robot.real.fault, (folder / "box.txt").read_text())
        yield robot
    finally:
        robot.driver.close()
        box.kill()
        box.wait()


def meet_a_limit(robot: Robot) -> None:
    """The limit is named, nothing is commanded, `recover` does not hide it, and ends it after."""
    place = robot.guide(float(JOINT_HIGH[6]) - NEAR)
    robot.real.recover(20.0)
    assert "fr3_joint7 is at its limit (2.8" in robot.real.fault
    with pytest.raises(MoveFailed, match=r"fr3_joint7 is at its limit .* after the recovery"):
        robot.steps.recover()
    commands = robot.real.commands
    with pytest.raises(MoveFailed, match="fr3_joint7 is at its limit"):
        robot.steps.begin_episode(1, None, np.zeros(2))
    assert robot.real.commands == commands, "something is commanded"
    robot.guide(place)
    robot.steps.recover(20.0)
    robot.steps.arm.hold(0.2)
    assert not robot.real.fault and robot.real.commands > commands


@pytest.mark.parametrize("time_of_ten", range(10))
def test_a_joint_at_its_limit_is_named_and_holds_until_a_person_has_guided_it_back(
    robot: Robot, time_of_ten: int
) -> None:
    meet_a_limit(robot)
