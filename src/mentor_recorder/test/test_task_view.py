"""The page takes the names of a task's states from its reward, whichever package that is of."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from mentor_common.tasks import plugins
from mentor_common.tasks.plugins import REWARDS
from mentor_common.tasks.task import find_task
from mentor_recorder.monitor.task_view import task_view


def classes_of(kind: str) -> object:
    """What the page knows of the classes of a task with this kind of reward."""
    task = find_task("cable_routing")
    return task_view(replace(task, reward=replace(task.reward, kind=kind)))["classes"]


def test_the_names_of_slot_states_come_from_the_reward() -> None:
    slots = classes_of("cable_routing")
    assert slots["slot_1"] == ("outside", "side", "above", "inside")
    assert slots["slot_2"][5:] == ("partially inside", "fully inside")


def test_a_reward_without_classes_or_without_its_package_names_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed = [EntryPoint("silent", "os.path:join", REWARDS)]
    monkeypatch.setattr(plugins, "entry_points", lambda group: installed)
    assert classes_of("silent") == {}  # its states are no classes
    assert classes_of("away") == {}  # of a bag that was recorded elsewhere
