"""Options of every reset: JSON that the task's routine knows, or refused by name."""

from __future__ import annotations

import pytest

from mentor_common.tasks.reset_routine import make_routine
from mentor_common.tasks.task import find_task
from mentor_reset.execution.reset_options import json_object, options_of_parameter

TASK = find_task("peg_insertion")
ROUTINE = make_routine(TASK)


@pytest.mark.parametrize("text", ["{", "[]", "star", '{"peg": star}'])
def test_options_of_every_reset_that_are_no_json_object_are_refused(text):
    with pytest.raises(ValueError, match=r"parameter options: .* is no JSON"):
        json_object(text)


def test_options_of_every_reset_come_from_a_parameter():
    assert json_object("") == {} and json_object('{"peg": "star"}') == {"peg": "star"}


@pytest.mark.parametrize("task", ["cable_routing", "tabletop_golf", "peg_insertion"])
def test_every_routine_refuses_an_option_that_it_does_not_read(task):
    found = find_task(task)
    known = make_routine(found).options
    with pytest.raises(ValueError, match=rf"reset_options.*{task}: option 'pge' is unknown; known"):
        options_of_parameter('{"pge": "star"}', found, known)


def test_the_pegs_routine_refuses_a_peg_that_there_is_not():
    with pytest.raises(ValueError, match=r"'peg': 'moon' is unknown; known: star, triangle"):
        options_of_parameter('{"peg": "moon"}', TASK, ROUTINE.options)
    assert options_of_parameter('{"peg": "arrow"}', TASK, ROUTINE.options) == {"peg": "arrow"}
