"""Meters and their thresholds."""

from __future__ import annotations

import math
import time

import pytest

from mentor_common.node.health import ERROR, OK, WARN, Health, Limits


@pytest.mark.parametrize(
    ("value", "level"),
    [(20.0, OK), (9.0, WARN), (4.0, ERROR), (41.0, WARN), (51.0, ERROR), (math.nan, OK)],
)
def test_a_reading_is_judged_by_its_thresholds(value: float, level: int) -> None:
    limits = Limits(warn_below=10, error_below=5, warn_above=40, error_above=50)
    assert limits.level(value) == level


def test_meters_count_what_came_since_the_last_reading() -> None:
    health = Health()
    counter, rate = health.counter("drops"), health.rate("images")
    timing, gauge = health.timing("step"), health.gauge("idle")
    counter.add(2)
    rate.add(10)
    timing.took(0.002)
    timing.took(0.004)
    gauge.set(0.5)
    time.sleep(0.05)
    readings = {reading.name: reading.value for reading in health.report()[2]}
    assert readings["drops"] == 2 and 0 < readings["images"] < 250
    assert readings["step"] == pytest.approx(3.0) and readings["idle"] == 0.5
    readings = {reading.name: reading.value for reading in health.report()[2]}
    assert readings["drops"] == 2 and readings["images"] == 0
    assert math.isnan(readings["step"]) and readings["idle"] == 0.5


def test_the_worst_problem_comes_first_until_it_is_solved() -> None:
    health = Health()
    health.gauge("load", "%", Limits(warn_above=80)).set(90)
    health.problem("fault", ERROR, "the cable is torn")
    level, text, _ = health.report()
    assert (level, text) == (ERROR, "the cable is torn; load is 90 % (warn above 80)")
    health.solved("fault")
    assert health.report()[0] == WARN


def test_a_meter_keeps_its_kind() -> None:
    health = Health()
    assert health.rate("images") is health.rate("images")
    with pytest.raises(ValueError, match="is a rate already"):
        health.counter("images")
