"""The reset node's wait until the arm is still, where time goes on and where it stands."""

from __future__ import annotations

import pytest
from fake_arm import FakeArm
from task_node import TASK_FILE, task_node


@pytest.mark.parametrize("simulated", [True, False])
def test_only_while_time_goes_on_is_it_waited_for_that_the_arm_is_still(tmp_path, simulated):
    file = tmp_path / "cable_routing.yaml"
    text = TASK_FILE.read_text()
    assert "still_time: 0.2" in text
    file.write_text(text.replace("still_time: 0.2", "still_time: 60.0"))
    arm = FakeArm()
    try:
        with task_node("mentor_reset.nodes.reset_node", task=file, use_sim_time=simulated):
            result = arm.reset(timeout=8.0).result
            assert result.success == simulated
            assert simulated or "stage 'wait_until_still'" in result.message
    finally:
        arm.close()
