"""What a task takes from other packages by entry points, and what its episodes draw."""

from __future__ import annotations

import os.path
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mentor_common.tasks import plugins
from mentor_common.tasks.episode_draw import EpisodeDraws
from mentor_common.tasks.plugins import REWARDS, PluginError, load_plugin
from mentor_common.tasks.task import load_task

TASK = load_task(Path(__file__).parents[3] / "launch" / "tasks" / "cable_routing.yaml")


def install(monkeypatch: pytest.MonkeyPatch, *values: str) -> None:
    entries = [EntryPoint("toy", value, REWARDS) for value in values]
    monkeypatch.setattr(plugins, "entry_points", lambda group: entries)


def test_a_plug_in_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "os.path:join")
    assert load_plugin(REWARDS, "toy") is os.path.join


def test_an_unknown_plug_in_is_refused_with_those_that_are_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, "os.path:join")
    with pytest.raises(PluginError, match=r"reward.kind 'tyo'.*group mentor.rewards.*\['toy'\]"):
        load_plugin(REWARDS, "tyo")


@pytest.mark.parametrize("value", ["no_such_module:Reward", "os:no_such_name"])
def test_a_plug_in_that_cannot_be_imported_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    install(monkeypatch, value)
    with pytest.raises(PluginError, match=f"'toy'.*{value}.*cannot be imported: .*no_such"):
        load_plugin(REWARDS, "toy")


def test_a_name_that_two_packages_announce_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "os:sep", "os:name")
    with pytest.raises(PluginError, match=r"announced twice: os:sep by .*, os:name by"):
        load_plugin(REWARDS, "toy")


def draws(**offset: tuple[float, float]) -> EpisodeDraws:
    return EpisodeDraws(replace(TASK, window_offset={"x": (0.0, 0.0), "z": (0.0, 0.0)} | offset))


def test_one_seed_draws_the_same_episodes_to_the_bit_and_no_seed_goes_on() -> None:
    def sequence() -> list[Any]:
        source = draws(x=(-0.3, 0.3))
        found = [source.draw(7), source.draw(), source.draw()]
        return [(d.start.tolist(), d.window_offset.tolist(), d.seed) for d in found]

    assert sequence() == sequence()
    assert len({str(draw) for draw in sequence()}) == 3
    source = draws(x=(-0.3, 0.3))
    unseeded = [source.draw(), source.draw(7), source.draw()]
    for draw in unseeded:  # each can be drawn again alone
        assert str(draws(x=(-0.3, 0.3)).draw(draw.drawn_from)) == str(draw)
    assert draws(x=(-0.3, 0.3)).draw(8).start.tolist() != sequence()[0][0]


def test_draws_are_float32_within_their_intervals_and_starts_lie_in_the_window() -> None:
    source = draws(x=(0.5, 0.9), z=(-0.9, -0.5))
    for seed in range(200):
        draw = source.draw(seed)
        assert draw.start.dtype == draw.window_offset.dtype == np.float32
        assert 0.5 <= draw.window_offset[0] <= 0.9 and -0.9 <= draw.window_offset[1] <= -0.5
        assert (np.abs(draw.start - draw.window_offset) <= 1.0 + 1e-6).all()


def test_a_task_without_window_offset_keeps_its_workspace() -> None:
    draw = draws().draw(3)
    low, high = np.array(list(TASK.reset.start.values())).T
    assert (draw.window_offset == 0.0).all()
    assert (low <= draw.start).all() and (draw.start <= high).all()
