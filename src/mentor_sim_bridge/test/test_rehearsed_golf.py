"""The golf cell's world in a rehearsal: ball and collector across two processes' shared state."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import mujoco
import numpy as np
import pytest

from mentor_common.tasks.golf_court import BallPlace
from mentor_common.tasks.tabletop_golf import LIGHT_SENSOR, MOTOR
from mentor_common.tasks.task import find_task
from mentor_sim_bridge.twins.devices import MOTOR_DEAD, SENSOR_STUCK, HasDevices
from mentor_sim_bridge.twins.golf.config import load_golf_config
from mentor_sim_bridge.twins.golf.simulator import GolfSimulator
from mentor_sim_bridge.twins.rehearsal import world
from mentor_sim_bridge.twins.rehearsal.shared_devices import SharedDevices
from mentor_sim_bridge.twins.rehearsal.shared_state import SharedState

TASK = find_task("tabletop_golf")


class Seconds:
    """A clock whose every reading is 5 ms after the last one."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 0.005
        return self.now


def test_the_ball_comes_back_by_sensor_and_motor_that_another_process_reads_and_switches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "time", SimpleNamespace(monotonic=Seconds().monotonic))
    box = world.World(TASK, seed=0, shared=tmp_path / "state")
    copy = GolfSimulator(load_golf_config(), TASK)
    copy.begin_episode(0, np.zeros(3))
    shared = SharedState(tmp_path / "state", copy.model.nq, copy.model.nv)
    devices = SharedDevices(copy, shared)
    assert isinstance(devices, HasDevices)

    def after(seconds: float) -> BallPlace:
        for _ in range(round(seconds / 0.005)):
            box.step()
        state = shared.read()
        assert state is not None
        copy.data.qpos[:], copy.data.qvel[:] = state.qpos, state.qvel
        copy.hidden_state = state.hidden
        mujoco.mj_kinematics(copy.model, copy.data)
        truth = copy.ground_truth()
        assert truth.success == (truth.values["ball_place"] == BallPlace.IN_HOLE)
        return BallPlace(round(truth.values["ball_place"]))

    assert after(0.1) is BallPlace.ON_COURT
    assert box.simulator.ball.place is BallPlace.ON_COURT
    box.simulator.ball.lay(*copy.court.hole)
    assert after(0.5) is BallPlace.IN_HOLE
    assert devices.sensor_signals() == {LIGHT_SENSOR: False}
    assert after(7.0) is BallPlace.IN_HOLE, "what the collector has is remembered by where it fell"
    assert devices.sensor_signals() == {LIGHT_SENSOR: True}
    devices.switch(MOTOR, True)
    devices.set_device_fault(MOTOR_DEAD)
    assert after(1.0) is BallPlace.IN_HOLE
    devices.set_device_fault("")
    after(1.0)
    devices.switch(MOTOR, False)
    assert after(0.1) is BallPlace.ON_COURT
    corner = copy.court.water.high  # under a ball that rolls over the border beside it
    box.simulator.ball.lay(*corner)
    box.simulator.ball.place = BallPlace.OUT
    assert after(0.02) is BallPlace.OUT
    box.simulator.ball.lay(0.5, 0.3)
    assert after(0.02) is BallPlace.ON_COURT
    assert devices.sensor_signals() == {LIGHT_SENSOR: False} and not box.simulator.collector.motor
    devices.set_device_fault(SENSOR_STUCK)
    after(0.1)
    assert devices.sensor_signals() == {LIGHT_SENSOR: True}
