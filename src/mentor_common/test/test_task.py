"""Task files: the paper's figures are in them, and whatever is wrong in one is refused by name.

Longer than 350 lines: half of it is one table of refusals.
"""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mentor_common.messages.frames import FrameLayout
from mentor_common.tasks.cable_routing import cable_reward_of
from mentor_common.tasks.peg_insertion import peg_reward_of
from mentor_common.tasks.tabletop_golf import golf_reward_of
from mentor_common.tasks.task import TASK_PATH, Task, TaskError, find_task, load_task, parse_task
from mentor_common.tasks.workspace import Delta

TASKS = Path(__file__).parents[3] / "launch" / "tasks"
NAMES = ("cable_routing", "peg_insertion", "tabletop_golf")
TREES = {name: yaml.safe_load((TASKS / f"{name}.yaml").read_text()) for name in NAMES}
DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # writes hundreds of task files
Path_ = tuple[Any, ...]


REWARDS: dict[str, Callable[[Task], Any]] = {
    "cable_routing": cable_reward_of,
    "peg_insertion": peg_reward_of,
    "tabletop_golf": golf_reward_of,
}
BY_ROUTINE = ("reset", "settings")
"""Section that the routine's plug-in reads, see the tests of mentor_reset."""
OPTIONAL = ("crop", "preset", "twin", "window_offset", "settings")


def task(name: str) -> Task:
    return load_task(TASKS / f"{name}.yaml")


def reward(name: str) -> Any:
    return REWARDS[name](task(name))


def refused(tree: Any) -> str:
    with pytest.raises(TaskError) as caught:
        read = parse_task(yaml.dump(tree, Dumper=DUMPER), "some_task.yaml")
        REWARDS[read.reward.kind](read)
    return str(caught.value)


def paths(tree: Any, path: Path_ = ()) -> list[Path_]:
    if path == BY_ROUTINE:
        return []
    found = [path] if path else []
    if isinstance(tree, (dict, list)):
        children = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, child in children:
            found += paths(child, (*path, key))
    return found


def at(tree: Any, path: Path_) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def shown(path: Path_) -> str:
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


# The paper's figures (App. C).


def test_the_cameras_are_those_of_the_paper() -> None:
    assert task("peg_insertion").observed_cameras == ("wrist", "side")
    assert task("cable_routing").observed_cameras == ("side", "slot_1", "slot_2")
    golf = task("tabletop_golf")
    assert golf.observed_cameras == ("wrist", "side")
    assert [c.name for c in golf.cameras if c.rewarded] == ["court_long", "court_short"]
    assert golf.camera("side").topic == "camera/side/color/image_raw"


@pytest.mark.parametrize(
    ("name", "images"), [("peg_insertion", 6), ("cable_routing", 9), ("tabletop_golf", 6)]
)
def test_each_camera_gives_begin_midpoint_and_end_at_84x84(name: str, images: int) -> None:
    layout = task(name).layout
    assert isinstance(layout, FrameLayout)
    assert layout.shape == (3 * images, 84, 84) and not layout.stacked


@pytest.mark.parametrize(
    ("name", "deltas"),
    [
        ("peg_insertion", [("x", 8), ("y", 8), ("z", 10), ("r", 8)]),
        ("cable_routing", [("x", 5), ("z", 5)]),
        ("tabletop_golf", [("x", 10), ("y", 10), ("r", 8), None]),
    ],
)
def test_the_action_is_scaled_as_in_c2(name: str, deltas: list[tuple[str, float] | None]) -> None:
    assert task(name).deltas == tuple(Delta(*d) if d else None for d in deltas)


def test_rotations_run_over_the_feasible_ranges_of_c2() -> None:
    for name, span in (("peg_insertion", 0.6), ("tabletop_golf", 0.5)):
        axis = next(axis for axis in task(name).workspace.axes if axis.name == "r")
        assert axis.high - axis.low == pytest.approx(span * math.pi)


def test_the_coefficients_are_those_of_table_3() -> None:
    found: dict[str, float] = {}
    for name in NAMES:
        found.update(getattr(reward(name), "coefficients", {}))
    found["C5"] = reward("cable_routing").bonus
    values = [16, 6, 8, 17, 3, 20, 5, 4, 8, 2, 10]
    assert found == {f"C{i + 1}": value for i, value in enumerate(values)}


def test_the_slots_pay_as_in_eq_7() -> None:
    cable = reward("cable_routing")
    assert cable.slot_1.rewards == (-3, -1, 1, 5)
    assert cable.slot_2.rewards == (-3, -1, 1, 3, 5, 10, 15)
    assert (cable.threshold, cable.bonus) == (2, 3)


def test_a_cable_episode_lasts_30_steps() -> None:
    assert task("cable_routing").episode.max_steps == 30


# Refusals.


@pytest.mark.parametrize("name", NAMES)
def test_every_key_is_needed(name: str) -> None:
    for path in paths(TREES[name]):
        optional = path[-1] in OPTIONAL or path[0] in ("arm", "window_offset")
        optional |= path[:2] == ("reward", "pegs")
        if isinstance(path[-1], str) and not optional:
            tree = copy.deepcopy(TREES[name])
            del at(tree, path[:-1])[path[-1]]
            said = refused(tree)
            assert "some_task.yaml" in said and "allowed: " in said
            assert f"'{shown(path)}' is missing" in said


@pytest.mark.parametrize("name", NAMES)
def test_no_other_key_is_taken(name: str) -> None:
    for path in [(), *paths(TREES[name])]:
        if isinstance(at(TREES[name], path), dict) and path != ("reward", "pegs"):
            tree = copy.deepcopy(TREES[name])
            at(tree, path)["colour"] = 7
            said = refused(tree)
            assert f"'{shown((*path, 'colour'))}'" in said and "7" in said
            assert "some_task.yaml" in said and "allowed: one of the keys" in said


def test_a_misspelt_key_is_told_its_neighbour() -> None:
    tree = copy.deepcopy(TREES["cable_routing"])
    tree["episode"]["max_step"] = 40
    assert "did you mean 'max_steps'?" in refused(tree)


def wrong_type(value: Any) -> st.SearchStrategy[Any]:
    anything: list[Any] = [None, "sdf text", "", 0, 1.5, True, [], {}, [None], {"a": 1}, math.nan]
    if isinstance(value, bool):
        return st.sampled_from([a for a in anything if not isinstance(a, bool)])
    if isinstance(value, (int, float)):
        bad = [a for a in anything if isinstance(a, bool) or not isinstance(a, (int, float))]
        return st.sampled_from([*bad, math.nan, math.inf, -math.inf])
    if isinstance(value, str):
        return st.sampled_from([a for a in anything if not isinstance(a, str) or not a])
    if isinstance(value, list):
        return st.sampled_from([a for a in anything if a != [None]] + [[None]])
    return st.sampled_from(anything)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_every_value_of_another_type_is_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    path = data.draw(st.sampled_from(paths(TREES[name])))
    bad = data.draw(wrong_type(at(TREES[name], path)))
    assume(bad != {} or path[0] not in ("arm", "window_offset"))  # each of their keys has a default
    tree = copy.deepcopy(TREES[name])
    at(tree, path[:-1])[path[-1]] = bad
    said = refused(tree)
    assert "some_task.yaml" in said and "allowed: " in said
    # The key itself is named, or the list or mapping that it belongs to, or one below it.
    top = shown(path[:1])
    assert f"'{top}" in said


RANGES: list[tuple[str, Path_, float, float]] = [
    ("cable_routing", ("cameras", 0, "width"), 84, 8192),
    ("cable_routing", ("cameras", 0, "frame_tolerance"), 1e-9, 10),
    ("cable_routing", ("cameras", 1, "rate"), 1e-9, 1000),
    ("cable_routing", ("frames", "height"), 8, 1024),
    ("cable_routing", ("workspace", "fixed", "y"), -3, 3),
    ("cable_routing", ("action", 0, "divisor"), 1, 1000),
    ("cable_routing", ("reward", "coefficients", "C5"), -1000, 1000),
    ("cable_routing", ("episode", "max_steps"), 1, 1000000),
    ("cable_routing", ("episode", "period"), 1e-9, 60),
    ("cable_routing", ("episode", "action_deadline"), 1e-9, 60),
    ("cable_routing", ("episode", "step_timeout"), 1e-9, 600),
    ("cable_routing", ("reset", "speed"), 1e-9, 1),
    ("cable_routing", ("reset", "still_distance"), 1e-9, 1),
    ("cable_routing", ("reset", "timeout"), 1e-9, 3600),
    ("cable_routing", ("reset", "attempts"), 1, 100),
    ("peg_insertion", ("workspace", "axes", 3, "low"), -1, 1),
    ("peg_insertion", ("reward", "pegs", "star", "goal", "x"), -1, 1),
    ("peg_insertion", ("reward", "success", "max_angle"), 1e-9, 3.2),
    ("tabletop_golf", ("reward", "hole", "radius"), 1e-9, 1),
    ("tabletop_golf", ("reward", "margin"), 0, 1),
]


@settings(max_examples=60, deadline=None)
@given(where=st.sampled_from(RANGES), beyond=st.floats(1e-6, 1e9), above=st.booleans())
def test_every_number_out_of_range_is_refused(
    where: tuple[str, Path_, float, float], beyond: float, above: bool
) -> None:
    name, path, low, high = where
    tree = copy.deepcopy(TREES[name])
    whole = isinstance(at(tree, path), int) and isinstance(low, int) and low != -1000
    value: float = high + beyond if above else low - beyond
    if whole:
        value = math.ceil(value) if above else math.floor(value)
    at(tree, path[:-1])[path[-1]] = value
    said = refused(tree)
    assert f"'{shown(path)}'" in said and "allowed: " in said and repr(value)[:6] in said


def change(name: str, path: Path_, value: Any) -> Any:
    tree = copy.deepcopy(TREES[name])
    at(tree, path[:-1])[path[-1]] = value
    return tree


CROSS: list[tuple[str, Path_, Any, str]] = [
    ("cable_routing", ("action", 0, "axis"), "y", "one of ['x', 'z']"),
    ("cable_routing", ("action", 1, "axis"), "x", "no other dimension moves"),
    ("cable_routing", ("action", 1, "name"), "dx", "no other dimension has"),
    ("cable_routing", ("cameras", 1, "name"), "side", "no other camera has"),
    ("cable_routing", ("cameras", 0, "observed"), False, "else nobody uses it"),
    ("cable_routing", ("reward", "slots", "slot_1", "camera"), "side", "['slot_1', 'slot_2']"),
    ("cable_routing", ("reward", "slots", "slot_2", "camera"), "slot_1", "another camera"),
    ("cable_routing", ("reward", "slots", "slot_1", "success"), "fully_inside", "'inside'"),
    ("cable_routing", ("reward", "slots", "slot_1", "rewards", "above"), 9, "rise from outside"),
    ("cable_routing", ("reward", "threshold"), 6, "at most its highest 5"),
    ("cable_routing", ("reward", "kind"), "peg_insertion", "the axes ['x', 'y', 'z', 'r']"),
    ("cable_routing", ("workspace", "axes", 0, "high"), 0.1, "a number above low"),
    ("cable_routing", ("workspace", "axes", 0, "unit"), "pi", "['m']"),
    ("cable_routing", ("workspace", "axes", 1, "name"), "x", "not named twice"),
    ("cable_routing", ("reset", "start", "x"), [-1.2, 0.0], "[a, b] with -1 <= a <= b <= 1"),
    ("cable_routing", ("reset", "start", "x"), [0.5, 0.1], "[a, b] with -1 <= a <= b <= 1"),
    ("cable_routing", ("cameras", 0, "crop", "x"), 170, "from 1 to 470"),
    ("cable_routing", ("episode", "step_timeout"), 0.4, "more than the period"),
    ("cable_routing", ("frames", "moments"), ["end", "midpoint", "begin"], "in this order"),
    ("peg_insertion", ("reward", "pegs", "arrow", "shelf_place"), 0, "no other peg has"),
    ("peg_insertion", ("action", 3, "kind"), "strike", "one of the keys"),
    ("tabletop_golf", ("cameras", 3, "rewarded"), False, "else nobody uses it"),
    ("tabletop_golf", ("cameras", 0, "rewarded"), True, "two cameras with rewarded: true"),
]


@pytest.mark.parametrize(("name", "path", "value", "hint"), CROSS)
def test_what_contradicts_another_key_is_refused(
    name: str, path: Path_, value: Any, hint: str
) -> None:
    said = refused(change(name, path, value))
    assert hint in said and "some_task.yaml" in said


def test_an_axis_that_no_action_moves_is_refused() -> None:
    tree = copy.deepcopy(TREES["cable_routing"])
    del tree["action"][1]
    assert "kind delta for the axis 'z'" in refused(tree)


def test_a_key_that_stands_twice_is_refused() -> None:
    text = (TASKS / "cable_routing.yaml").read_text() + "\nepisode: {}\n"
    with pytest.raises(TaskError, match=r"key 'episode' stands twice, first in line \d+"):
        parse_task(text)


@pytest.mark.parametrize(
    "text", ["", "[]", "7", "a: [", "1: 2", "? [a]\n: 1", "a: !!python/none x"]
)
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(TaskError, match=r"task file some\.yaml"):
        parse_task(text, "some.yaml")


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=200))
def test_no_text_is_anything_but_a_task_or_a_refusal(text: str) -> None:
    with pytest.raises(TaskError):
        parse_task(text)


def test_a_file_must_bear_the_name_of_its_task(tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text((TASKS / "cable_routing.yaml").read_text())
    with pytest.raises(TaskError, match=r"other\.yaml: key 'name'.*'other'"):
        load_task(file)


def test_tasks_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TASK_PATH, str(TASKS))
    assert find_task("cable_routing").name == "cable_routing"
    assert find_task(str(TASKS / "tabletop_golf.yaml")).name == "tabletop_golf"
    with pytest.raises(TaskError, match=r"'cable' is unknown; known: \['cable_routing'"):
        find_task("cable")
    with pytest.raises(TaskError, match="cannot be read"):
        load_task(tmp_path / "missing.yaml")


def test_an_axis_without_a_window_offset_keeps_its_bounds() -> None:
    tree = copy.deepcopy(TREES["cable_routing"])
    tree["window_offset"] = {"x": [-0.1, 0.2]}
    read = parse_task(yaml.safe_dump(tree))
    assert read.window_offset == {"x": (-0.1, 0.2), "z": (0.0, 0.0)}
    tree["window_offset"] = {"y": [-0.1, 0.2]}
    assert "'window_offset.y'" in refused(tree)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a: &b [1]\nc: *b", "line 2: alias *b; allowed: values written out"),
        ("a: " + "[" * 100_000, "more than 20 levels"),
        ("a: " + "x" * 300_000, "allowed: at most 200000"),
    ],
)
def test_a_file_that_is_a_bomb_is_refused_by_name(text: str, hint: str) -> None:
    with pytest.raises(TaskError, match=r"task file some\.yaml") as caught:
        parse_task(text, "some.yaml")
    assert hint in str(caught.value)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(TaskError, match=r"pipe\.yaml: cannot be read: is not a regular file"):
        load_task(tmp_path / "pipe.yaml")


def test_images_of_the_captures_size_are_cropped_and_others_must_show_the_region() -> None:
    camera = task("cable_routing").camera("side")
    capture = np.arange(480 * 640 * 3, dtype=np.uint8).reshape(480, 640, 3)
    assert (camera.cropped(capture) == capture[:, 80:560]).all()
    drawn = capture[:168, :168]
    assert camera.cropped(drawn) is drawn
    with pytest.raises(ValueError, match=r"camera 'side': an image of 640x360 pixels"):
        camera.cropped(capture[:360])
    larger = np.zeros((720, 720, 3), np.uint8)  # the region's aspect ratio, but whose region?
    with pytest.raises(ValueError, match=r"camera 'side': an image of 720x720 pixels"):
        camera.cropped(larger)
