"""Whatever is commanded, the arm stays within its bounds, its speed and its acceleration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentor_arm.limits import (
    CommandGuard,
    CommandRefused,
    LimitsError,
    PoseBounds,
    check_actions,
    slowed,
    task_bounds,
)
from mentor_common.arm.stroke import Stroke
from mentor_common.arm.trajectory import Trajectory
from mentor_common.cell.cell_file import Cell, load_cell
from mentor_common.tasks.arm_section import MotionLimits
from mentor_common.tasks.task import Task, find_task

LIMITS = MotionLimits()
GOLF_LIMITS = MotionLimits(speed=0.7, acceleration=12.0, turn_speed=1.5, turn_acceleration=12.0)
BOUNDS = PoseBounds(np.array([0.3, -0.2, 0.02, -1.0]), np.array([0.7, 0.2, 0.4, 1.0]))
HOME = np.array([0.5, 0.0, 0.2, 0.0])
X, R = np.eye(4)[0], np.eye(4)[3]
poses = st.tuples(
    st.floats(0.3, 0.7), st.floats(-0.2, 0.2), st.floats(0.02, 0.4), st.floats(-1.0, 1.0)
).map(np.array)
ticks = st.lists(st.floats(1e-4, 0.02), min_size=2, max_size=400)


@given(poses, poses, st.floats(1e-3, 3.0), ticks)
def test_a_slowed_motion_passes_the_guard_whatever_the_pace_of_the_commands(
    first: np.ndarray, last: np.ndarray, seconds: float, gaps: list[float]
) -> None:
    guard = CommandGuard(BOUNDS, LIMITS, first)
    way = slowed(Trajectory(first, last, seconds), LIMITS)
    assert way.seconds >= seconds
    elapsed = 0.0
    for gap in gaps:
        passed = min(gap, way.seconds - elapsed)
        if passed <= 1e-9:
            break
        elapsed += passed
        guard.check(way.at(elapsed / way.seconds), passed)


ways = st.tuples(*[st.floats(-0.05, 0.05)] * 2, st.floats(-0.02, 0.02), st.floats(-0.2, 0.2)).map(
    np.array
)


@given(poses, ways, st.floats(0.3, 3.0), st.floats(0.01, 2.0), st.booleans(), ticks)
def test_a_stroke_passes_the_guard_too_and_is_weaker_where_the_box_leaves_no_room(
    first: np.ndarray,
    way: np.ndarray,
    seconds: float,
    speed: float,
    fast: bool,
    gaps: list[float],
) -> None:
    limits = GOLF_LIMITS if fast else LIMITS
    last = np.clip(first + way, BOUNDS.low, BOUNDS.high)
    guard = CommandGuard(BOUNDS, limits, first)
    asked = slowed(Stroke(first, last, seconds, speed=speed), limits)
    assert isinstance(asked, Stroke)
    stroke = asked.within(BOUNDS.low, BOUNDS.high, limits.speed, limits.acceleration)
    assert stroke.speed <= min(speed, limits.speed) * (1.0 + 1e-9)
    assert np.allclose(stroke.at(1.0), last)
    elapsed = 0.0
    for gap in gaps:
        passed = min(gap, stroke.seconds - elapsed)
        if passed <= 1e-9:
            break
        elapsed += passed
        guard.check(stroke.at(elapsed / stroke.seconds), passed)


@pytest.mark.parametrize("along", [-0.04, -0.02, 0.0, 0.02, 0.04])
def test_a_stroke_while_the_arm_moves_uses_the_limits_and_passes_the_guard(along: float) -> None:
    limits = GOLF_LIMITS
    last = HOME + np.array([0.01, along, 0.0, 0.1])
    asked = Stroke(HOME, last, 1.0, speed=limits.speed)
    stroke = asked.within(BOUNDS.low, BOUNDS.high, limits.speed, limits.acceleration)
    assert stroke.speed >= 0.7 * limits.speed
    guard = CommandGuard(BOUNDS, limits, HOME)
    for tick in range(1, 1001):
        guard.check(stroke.at(tick / 1000), 1e-3)


@given(poses, poses, st.floats(0.05, 0.95))
def test_a_stop_in_the_middle_of_a_motion_stays_in_the_box_and_comes_to_rest(
    first: np.ndarray, last: np.ndarray, share: float
) -> None:
    guard = CommandGuard(BOUNDS, LIMITS, first)
    way = slowed(Trajectory(first, last, 0.1), LIMITS)
    elapsed = 0.0
    while elapsed < share * way.seconds:
        passed = min(0.01, way.seconds - elapsed)
        elapsed += passed
        guard.check(way.at(elapsed / way.seconds), passed)
    for _ in range(100):
        before = guard.velocity.copy()
        pose = guard.brake(0.01)
        assert BOUNDS.excess(pose) < 1e-9
        assert np.linalg.norm((guard.velocity - before)[:3]) <= LIMITS.acceleration * 0.01 + 1e-9
    assert not guard.moving


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (HOME + 0.3 * X, "outside"),
        (HOME + 0.1 * X, "speed"),
        (HOME + 0.5 * R, "turn speed"),
        (HOME + 0.002 * X, "acceleration"),
        (HOME + np.nan * X, "is none"),
        (HOME[:3], "is none"),
    ],
)
def test_a_command_beyond_a_limit_is_refused_and_changes_nothing(
    wanted: np.ndarray, why: str
) -> None:
    guard = CommandGuard(BOUNDS, LIMITS, HOME)
    with pytest.raises(CommandRefused, match=why):
        guard.check(wanted, 0.01)
    assert np.array_equal(guard.pose, HOME) and not guard.moving


def test_from_outside_the_box_commands_may_only_come_nearer() -> None:
    outside = np.array([0.75, 0.0, 0.2, 0.0])
    guard = CommandGuard(BOUNDS, LIMITS, outside)
    guard.check(outside - 1e-4 * X, 0.01)
    with pytest.raises(CommandRefused, match="outside"):
        guard.check(outside + 1e-4 * X, 0.01)


@pytest.mark.parametrize("way", [np.eye(4)[1], -np.eye(4)[2], -np.eye(4)[3]])
def test_from_outside_along_one_axis_no_command_leaves_along_another(way: np.ndarray) -> None:
    edge = np.where(way > 0.0, BOUNDS.high, np.where(way < 0.0, BOUNDS.low, HOME))
    outside = edge + 0.3 * X
    guard = CommandGuard(BOUNDS, LIMITS, outside)
    with pytest.raises(CommandRefused, match=f"outside along {'xyzr'[np.abs(way).argmax()]}"):
        guard.check(outside - 1e-4 * X + 1e-4 * way, 0.01)
    guard.check(outside - 1e-4 * X, 0.01)


def test_a_cell_whose_bounds_do_not_hold_the_workspace_is_refused_by_name() -> None:
    task: Task = find_task("cable_routing")
    assert task_bounds(task, Cell(bounds={"x": (0.0, 1.0)})).low[0] <= 0.42
    with pytest.raises(LimitsError, match=r"along z .* are 0\.1 to 0\.4 m"):
        task_bounds(task, Cell(bounds={"z": (0.1, 0.4)}))


@pytest.mark.parametrize("name", ["cable_routing", "peg_insertion"])
def test_the_bounds_of_the_example_cell_hold_the_tasks_for_which_it_says_so(name: str) -> None:
    task, cell = find_task(name), load_cell(Path(__file__).parents[3] / "cells" / "example.yaml")
    bounds = task_bounds(task, cell)
    for axis, (least, greatest) in cell.bounds.items():
        index = "xyz".index(axis)
        assert least <= bounds.low[index] <= bounds.high[index] <= greatest


@pytest.mark.parametrize("limit", ["step", "turn"])
def test_a_task_whose_actions_are_too_large_is_refused_by_name(limit: str) -> None:
    task = find_task("tabletop_golf")
    check_actions(task)
    limits = replace(task.arm.limits, **{limit: 0.01})
    with pytest.raises(LimitsError, match=f"tabletop_golf.*arm.limits.{limit} is 0.01"):
        check_actions(replace(task, arm=replace(task.arm, limits=limits)))
