"""Poses between the workspace and the robot's base."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentor_arm.backends.frames import commanded, inverse, matrix_of, quaternion, transform
from mentor_common.cell.cell_file import Placement
from mentor_common.tasks.task import find_task

angles = st.tuples(*[st.floats(-3.1, 3.1)] * 3)
places = st.tuples(*[st.floats(-2.0, 2.0)] * 3)


@given(places, angles)
def test_a_placement_and_its_inverse_cancel_and_quaternions_come_back(
    translation: tuple[float, float, float], rotation: tuple[float, float, float]
) -> None:
    matrix = transform(Placement(translation, rotation))
    assert np.allclose(inverse(matrix) @ matrix, np.eye(4), atol=1e-9)
    again = matrix_of(matrix[:3, 3], quaternion(matrix[:3, :3]))
    assert np.allclose(again, matrix, atol=1e-7)


@pytest.mark.parametrize("turn", [0.0, 0.5 * np.pi, -0.3, np.pi])
def test_a_commanded_pose_is_the_workspaces_pose(turn: float) -> None:
    workspace = find_task("cable_routing").workspace
    pose = workspace.xyzr(np.array([0.2, -0.4]))
    position, xyzw = workspace.pose(np.array([0.2, -0.4]))
    matrix = commanded(pose)
    assert np.allclose(matrix, matrix_of(position, xyzw), atol=1e-9)
    pose[3] = turn
    assert np.allclose(commanded(pose)[:3, 2], [0.0, 0.0, -1.0]), "the gripper points down"
