"""Over ros2_control a force stops the arm where the cell file names its topic."""

from __future__ import annotations

from pathlib import Path

import pytest
from controllers import Controllers, wait_for
from task_node import TASK, task_node

from mentor_msgs.action import MoveTo, Recover

LATE = 60.0
FAR = TASK.arm.contact.stop_force + 5.0


CELL = """name: with_force
controllers: {external_wrench: external_wrench, error_recovery: ""}
"""


def outcome(cell: Controllers) -> str:
    """Recover the arm and send it somewhere; return why it did not get there."""
    wait_for(cell.send(Recover.Goal()).get_result_async(), LATE)
    result = cell.send(MoveTo.Goal(target=[0.5, 0.5], speed=1.0)).get_result_async()
    wait_for(result, LATE)
    message: str = result.result().result.message
    return message


@pytest.mark.real_time
def test_a_force_above_the_limit_stops_the_arm_and_silence_about_it_too(tmp_path: Path) -> None:
    file = tmp_path / "cell.yaml"
    file.write_text(CELL)
    cell = Controllers()
    try:
        with task_node(
            "mentor_arm.nodes.arm_node", backend="ros2_control", cell_file=file, armed=True
        ):
            assert "pose not reached" in outcome(cell)  # these controllers stand still
            cell.force = FAR
            assert f"external force {FAR:.1f} N" in outcome(cell)
            cell.force = 0.0
            assert cell.wait(lambda: "pose not reached" in outcome(cell), LATE)
            cell.force = float("nan")
            assert cell.wait(
                lambda: "the external force on /external_wrench" in outcome(cell), LATE
            )
    finally:
        cell.close()
