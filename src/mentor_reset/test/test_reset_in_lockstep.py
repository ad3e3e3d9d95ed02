"""The reset node's wait until the arm is still, where time goes on and where it stands."""

from __future__ import annotations

import time

import pytest
from fake_arm import FakeArm
from task_node import TASK_FILE, task_node


@pytest.mark.real_time
@pytest.mark.parametrize("simulated", [True, False])
def test_the_wait_until_still_is_for_as_long_as_the_time_goes_on(tmp_path, simulated):
    file = tmp_path / "cable_routing.yaml"
    text = TASK_FILE.read_text()
    assert "still_time: 0.2" in text
    file.write_text(text.replace("still_time: 0.2", "still_time: 6.0"))
    arm = FakeArm()
    try:
        with task_node("mentor_reset.reset_node", task=file, use_sim_time=simulated):
            assert arm.reset().result.success
            began = time.monotonic()
            assert arm.reset().result.success
            assert (time.monotonic() - began < 5.0) == simulated
    finally:
        arm.close()
