"""The table of parameters: what it takes, and what it refuses with which reason."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentor_common.node.parameters import Param, ParameterError, check_overrides

TABLE = (
    Param("rate", "float", 1.0, "a rate, Hz", low=0.5, high=10.0),
    Param("count", "int", 3, "a number", low=1, high=9),
    Param("on", "bool", True, "a switch"),
    Param("mode", "str", "a", "a mode", choices=("a", "b")),
    Param("gains", "float[]", (1.0, 2.0), "gains", low=0.0),
)


@given(rate=st.floats(0.5, 10), count=st.integers(1, 9), gains=st.lists(st.floats(0, 9)))
def test_what_is_in_range_is_taken(rate: float, count: int, gains: list[float]) -> None:
    given_ = {"rate": rate, "count": count, "gains": gains, "use_sim_time": True}
    assert check_overrides("/n", TABLE, given_, ["use_sim_time"]) == {
        "rate": rate, "count": count, "gains": gains
    }  # fmt: skip


@given(value=st.floats().filter(lambda v: not 0.5 <= v <= 10.0))
def test_what_is_out_of_range_is_refused(value: float) -> None:
    with pytest.raises(ParameterError, match=r"node /n: parameter 'rate': value .* must be"):
        check_overrides("/n", TABLE, {"rate": value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("rate", "1"), ("rate", True), ("count", 1.0), ("count", True), ("on", 1), ("mode", 1),
     ("gains", 1.0), ("gains", ["x"]), ("gains", [-1.0]), ("gains", [math.nan])],
)  # fmt: skip
def test_other_types_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ParameterError, match=f"'{name}'"):
        check_overrides("/n", TABLE, {name: value})


def test_whole_numbers_serve_as_floats() -> None:
    taken = check_overrides("/n", TABLE, {"rate": 2, "gains": [1, 2]})
    assert isinstance(taken["rate"], float) and taken["gains"] == [1.0, 2.0]


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(ParameterError, match=r"'cuont' .* did you mean 'count'\?"):
        check_overrides("/n", TABLE, {"cuont": 3})
    with pytest.raises(ParameterError, match="is unknown"):  # no node reads them
        check_overrides("/n", TABLE, {"qos_overrides./image.publisher.depth": 3})


def test_a_table_with_a_bad_default_is_no_table() -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        Param("count", "int", 0, "a number", low=1)
    with pytest.raises(ValueError, match="no description"):
        Param("count", "int", 0, " ")
