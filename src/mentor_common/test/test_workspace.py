"""Normalised positions, metric poses, and the limits that no action passes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentor_common.tasks.workspace import Axis, Delta, Workspace

CABLE = Workspace("base", (Axis("x", 0.3, 0.7), Axis("z", 0.0, 0.2)), (0.0, 0.1, 0.0, 0.5))
PEG = Workspace(
    "base",
    (
        Axis("x", 0.4, 0.5),
        Axis("y", -0.1, 0.1),
        Axis("z", 0.0, 0.2),
        Axis("r", -0.3 * math.pi, 0.3 * math.pi),
    ),
    (0.0, 0.0, 0.0, 0.0),
)
unit = st.floats(-1, 1)


def test_the_bounds_are_minus_one_and_one() -> None:
    assert CABLE.to_metric([-1, 1]).tolist() == [0.3, 0.2]
    assert CABLE.to_normalised([0.7, 0.1]).tolist() == pytest.approx([1.0, 0.0])


@given(st.tuples(unit, unit, unit, unit))
def test_a_pose_leads_back_to_its_position(position: tuple[float, ...]) -> None:
    assert PEG.position_of(*PEG.pose(position)) == pytest.approx(position, abs=1e-9)


def test_the_gripper_points_down() -> None:
    _, (x, y, z, w) = PEG.pose([0.0, 0.0, 0.0, 0.7])
    assert 1.0 - 2.0 * (x * x + y * y) == pytest.approx(-1.0)  # its z axis, seen from above
    assert x * x + y * y + z * z + w * w == pytest.approx(1.0)


def test_axes_that_are_not_moved_stand_where_they_are_fixed() -> None:
    xyz, _ = CABLE.pose([0.0, 0.0])
    assert xyz.tolist() == pytest.approx([0.5, 0.1, 0.1])


def test_an_action_moves_by_its_share() -> None:
    deltas = (Delta("x", 5.0), Delta("z", 5.0))
    target, cut = CABLE.next_target([0.0, 0.5], [1.0, -0.5], deltas)
    assert target.tolist() == pytest.approx([0.2, 0.4]) and not cut


def test_a_strike_moves_nothing() -> None:
    target, cut = CABLE.next_target(
        [0.0, 0.5], [0.0, 0.0, 1.0], (Delta("x", 5), Delta("z", 5), None)
    )
    assert target.tolist() == [0.0, 0.5] and not cut


@settings(max_examples=100)
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=40))
def test_no_actions_lead_out_of_the_workspace(actions: list[tuple[float, float]]) -> None:
    position = np.zeros(2)
    for action in actions:
        before = position
        position, cut = CABLE.next_target(position, action, (Delta("x", 5.0), Delta("z", 5.0)))
        assert (np.abs(position) <= 1.0).all() and (np.abs(position - before) <= 0.2 + 1e-12).all()
        assert cut or np.abs(action).max() <= 1.0


@pytest.mark.parametrize("action", [[math.nan, 0.0], [math.inf, 0.0], [0.0], [0.0, 0.0, 0.0]])
def test_what_is_no_action_is_refused(action: list[float]) -> None:
    with pytest.raises(ValueError, match="must be 2 finite numbers"):
        CABLE.next_target([0.0, 0.0], action, (Delta("x", 5.0), Delta("z", 5.0)))


@settings(max_examples=80)
@given(offset=st.tuples(unit, unit), action=st.tuples(unit, unit))
def test_a_window_that_is_moved_moves_the_bounds_and_nothing_else(
    offset: tuple[float, float], action: tuple[float, float]
) -> None:
    deltas = (Delta("x", 5.0), Delta("z", 5.0))
    start, _ = CABLE.clip([0.3, -0.2], offset)
    target, cut = CABLE.next_target(start, action, deltas, offset)
    free = start + np.asarray(action) / 5.0
    low, high = np.asarray(offset) - 1.0, np.asarray(offset) + 1.0
    assert target.tolist() == np.clip(free, low, high).tolist()
    assert cut == bool((target != free).any())
