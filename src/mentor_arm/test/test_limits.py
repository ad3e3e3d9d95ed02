"""Whatever is commanded, the arm stays within its box, its step and its speed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentor_arm.limits import (
    CommandRefused,
    Limits,
    Pose,
    checked_pose,
    is_stale,
    limited_pose,
    rotation_between,
)

LIMITS = Limits(
    low=(0.3, -0.2, 0.02),
    high=(0.7, 0.2, 0.4),
    max_step=0.05,
    max_turn=0.3,
    max_speed=0.2,
    max_turn_speed=1.0,
)
DOWN = np.array([1.0, 0.0, 0.0, 0.0])
HOME = Pose(np.array([0.5, 0.0, 0.2]), DOWN)

positions = st.tuples(*[st.floats(-1e6, 1e6)] * 3)
inside = st.tuples(st.floats(0.3, 0.7), st.floats(-0.2, 0.2), st.floats(0.02, 0.4))
angles = st.floats(-math.pi, math.pi)


def turned(angle: float) -> np.ndarray:
    """The gripper pointing down, turned about the vertical axis."""
    return np.array([math.cos(angle / 2), math.sin(angle / 2), 0.0, 0.0])


@given(inside, positions, angles, angles, st.floats(0.001, 1.0))
def test_no_command_leaves_box_step_or_speed(
    start: tuple[float, ...], target: tuple[float, ...], from_: float, to: float, seconds: float
) -> None:
    now = Pose(np.array(start), turned(from_))
    pose, _ = limited_pose(LIMITS, now, Pose(np.array(target), turned(to)), seconds)
    assert (pose.position >= np.array(LIMITS.low) - 1e-12).all()
    assert (pose.position <= np.array(LIMITS.high) + 1e-12).all()
    way = np.linalg.norm(pose.position - now.position)
    assert way <= min(LIMITS.max_step, LIMITS.max_speed * seconds) + 1e-12
    turn = rotation_between(now.quaternion, pose.quaternion)
    assert turn <= min(LIMITS.max_turn, LIMITS.max_turn_speed * seconds) + 1e-9
    assert np.linalg.norm(pose.quaternion) == pytest.approx(1.0)


def test_a_command_within_the_limits_is_passed_on_unchanged() -> None:
    wanted = Pose(HOME.position + np.array([0.01, 0.0, -0.02]), turned(0.1))
    pose, reason = limited_pose(LIMITS, HOME, wanted, 0.5)
    assert (pose.position == wanted.position).all()
    assert (pose.quaternion == wanted.quaternion).all()
    assert reason == ""


def test_the_reason_names_every_limit_that_was_met() -> None:
    _, reason = limited_pose(LIMITS, HOME, Pose(np.array([9.0, 0.0, 0.2]), turned(2.0)), 0.1)
    assert "outside the box" in reason
    assert "0.200 m where 0.020 m are allowed" in reason
    assert "2.000 rad where 0.100 rad are allowed" in reason


def test_a_turn_takes_the_short_way_whatever_the_quaternions_sign() -> None:
    pose, _ = limited_pose(LIMITS, HOME, Pose(HOME.position, -turned(1.0)), 1.0)
    assert rotation_between(DOWN, pose.quaternion) == pytest.approx(0.3)
    assert rotation_between(turned(1.0), pose.quaternion) == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("position", "quaternion"),
    [
        ([0.5, 0.0, math.nan], DOWN),
        ([0.5, 0.0, math.inf], DOWN),
        ([0.5, 0.0], DOWN),
        ([0.5, 0.0, 0.2], [0.0, 0.0, 0.0, 0.0]),
        ([0.5, 0.0, 0.2], [math.nan, 0.0, 0.0, 1.0]),
        ([0.5, 0.0, 0.2], [0.0, 0.0, 1.0]),
    ],
)
def test_what_is_no_pose_is_refused(position: list[float], quaternion: list[float]) -> None:
    with pytest.raises(CommandRefused):
        checked_pose(position, quaternion)


def test_a_motion_without_time_is_refused() -> None:
    with pytest.raises(CommandRefused, match="needs more than 0"):
        limited_pose(LIMITS, HOME, HOME, 0.0)


def test_limits_that_allow_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="holds no pose"):
        Limits((0.0, 0.0, 0.0), (1.0, -1.0, 1.0), 0.1, 0.1, 0.1, 0.1)
    with pytest.raises(ValueError, match="max_speed is nan"):
        Limits((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 0.1, 0.1, math.nan, 0.1)


@pytest.mark.parametrize(
    ("now", "stale"), [(10.0, False), (10.1, False), (10.11, True), (9.99, True), (math.nan, True)]
)
def test_a_command_past_its_deadline_is_stale(now: float, stale: bool) -> None:
    assert is_stale(10.0, now, 0.1 + 1e-9) is stale
