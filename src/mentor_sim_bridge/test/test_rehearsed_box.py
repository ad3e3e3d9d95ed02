"""What the control box of a rehearsal does with a client that commands too late."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mentor_common.tasks.task import find_task
from mentor_sim_bridge.twins.rehearsal import control_box, world


def test_the_torques_of_a_late_client_push_no_arm_and_those_of_a_silent_one_are_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    seconds = SimpleNamespace(monotonic=lambda: clock[0])
    monkeypatch.setattr(world, "time", seconds)
    monkeypatch.setattr(control_box, "time", seconds)
    cell = world.World(find_task("cable_routing"), seed=3)
    server = control_box.make_box(cell, "127.0.9.8")
    server.init()
    box = server.sim
    arm = box._get_robots()[0]
    push = np.array([20.0, 20.0, 20.0, 20.0, 5.0, 5.0, 5.0])
    begin, passed = cell.angles, cell.data.time

    def turn(new: bool) -> None:
        arm.torque_control(push, has_new_command=new)
        box.step()
        clock[0] += 0.005

    turn(new=True)
    for _ in range(15):
        turn(new=False)
    assert cell.data.time - passed <= control_box.AHEAD + 1e-9
    for _ in range(600):
        turn(new=False)
    assert np.abs(cell.velocities).max() < 0.02
    assert np.abs(cell.angles - begin).max() < 0.05
    before = cell.data.time
    for _ in range(100):
        turn(new=True)
    assert cell.data.time - before == pytest.approx(100 * control_box.AHEAD)
    assert np.abs(cell.velocities).max() > 0.1, "a client that commands in time moves the arm"
    server.cleanup()
