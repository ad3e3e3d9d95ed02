"""What the fingers of a rehearsal's arm hold, and how another process's copy finds out."""

from __future__ import annotations

from types import SimpleNamespace

import mujoco
import numpy as np
import pytest

from mentor_common.tasks.task import find_task
from mentor_sim_bridge.twins.peg.config import load_peg_config
from mentor_sim_bridge.twins.peg.simulator import PegSimulator
from mentor_sim_bridge.twins.rehearsal import world

TASK = find_task("peg_insertion")


def test_fingers_that_close_take_the_peg_that_is_between_them_and_tell_it_by_its_width(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = iter(np.arange(0.0, 60.0, 0.002))
    monkeypatch.setattr(world, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    box = world.World(TASK, seed=3)
    copy = PegSimulator(load_peg_config(), TASK)
    there = box.simulator
    assert isinstance(there, PegSimulator)
    grip = {peg: there.config.peg(peg).grip for peg in ("star", "triangle", "arrow")}

    def after(seconds: float) -> str:
        for _ in range(round(seconds / 0.002)):
            box.step()
        copy.data.qpos[:] = box.data.qpos
        mujoco.mj_kinematics(copy.model, copy.data)
        copy.read_positions()
        assert copy.ground_truth().values["force"] == 0.0
        return copy.peg_in_hand

    first = there.peg_in_hand
    assert after(0.1) == first
    box.move_fingers(0.010, grasps=True)  # as the routine finds out which one it is
    assert after(0.5) == first and box.finger_width == pytest.approx(grip[first], abs=1e-3)
    box.move_fingers(0.036)
    assert after(0.5) == "" and there.peg_in_hand == ""
    lost = there.peg_pose(first)
    box.move_fingers(0.010, grasps=True)
    assert after(0.5) == "" and box.finger_width < 1e-3, f"nothing between them, {lost}"
