"""A routine or a device of it that raises: the reset fails as by a part that failed."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_arm import FakeArm
from task_node import TASK, task_node


@pytest.mark.parametrize(
    ("broken", "said"), [("unplugged", "the board is unplugged"), ("bug", "KeyError: 'pin'")]
)
def test_what_a_routine_raises_fails_its_attempts_and_is_reported(monkeypatch, broken, said):
    monkeypatch.setenv("BROKEN", broken)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=":")
    arm = FakeArm()
    reports, lines = arm.record_diagnostics("reset"), arm.record_log("reset")
    try:
        with task_node("broken_routine_node"):
            answer = arm.reset()
            assert not answer.result.success and answer.result.message == said
            attempts = TASK.reset.attempts
            assert arm.wait(
                lambda: sum("reset attempt" in text for text in lines) == attempts, 20.0
            )
            assert arm.wait(
                lambda: any(f"reset failed: {said}" in text for _, text in reports), 20.0
            )
    finally:
        arm.close()
