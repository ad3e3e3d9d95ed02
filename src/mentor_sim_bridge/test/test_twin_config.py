"""A twin's YAML: each value has its type and bounds, and the file is read when a cell is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mentor_sim_bridge.twins.cable import config as cable
from mentor_sim_bridge.twins.golf import config as golf
from mentor_sim_bridge.twins.peg import config as peg

LOADERS = {
    "cable": (cable.DEFAULT_FILE, cable.load_cable_config),
    "peg": (peg.DEFAULT_FILE, peg.load_peg_config),
    "golf": (golf.DEFAULT_FILE, golf.load_golf_config),
}


def changed(folder: Path, cell: str, key: str, value: Any) -> Path:
    """The cell's file with another value of a key, named with dots."""
    content = yaml.safe_load(LOADERS[cell][0].read_text())
    *sections, last = key.split(".")
    inner = content
    for section in sections:
        inner = inner[section]
    inner[last] = value
    file = folder / "cell.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


@pytest.mark.parametrize(
    ("cell", "key", "value", "words"),
    [
        ("cable", "motion.timestep", "1e-3", "timestep is '1e-3', must be a finite number; YAML"),
        ("cable", "motion.timestep", -0.005, "timestep is -0.005, must be above 0 s"),
        ("cable", "motion.settle", -1.0, "settle is -1, must be 0 s or above"),
        ("cable", "motion.settle", float("nan"), "settle is nan, must be a finite number"),
        ("cable", "cable.segments", 24.5, "segments is 24.5, must be a whole number"),
        ("cable", "cable.segments", 1, "segments is 1, must be at least 2"),
        ("cable", "slot_1.gap", None, "slot_1: gap is None, must be a finite number"),
        ("cable", "post", [0.5, 0.3], r"post is \[0.5, 0.3\], must be a list of 3"),
        ("cable", "scene_randomization.slack", 0.1, "slack is 0.1, must be a list of 2"),
        ("cable", "scene_randomization.slack", [2.0, 1.0], "slack is .* the smaller one first"),
        ("cable", "scene_randomization.post", {"x": True}, "post: x is True, must be"),
        ("cable", "visual_randomization.colours", [1], r"colours: \[1\] is not a mapping"),
        ("cable", "visual_randomization.colours", {"cable": [0, 0]}, "cable is 0, must be a list"),
        ("peg", "motion.timestep", 0, "timestep is 0, must be above 0 s"),
        ("golf", "scene_randomization.stimp", [0, 9], "stimp is .*, must be above 0 feet"),
    ],
)
def test_a_value_that_no_cell_can_have_is_named(
    tmp_path: Path, cell: str, key: str, value: Any, words: str
) -> None:
    with pytest.raises(ValueError, match=rf"cell\.yaml: .*{words}"):
        LOADERS[cell][1](changed(tmp_path, cell, key, value))


def test_a_file_that_was_changed_is_read_again(tmp_path: Path) -> None:
    first = cable.load_cable_config(changed(tmp_path, "cable", "faults.tear_force", 20.0))
    second = cable.load_cable_config(changed(tmp_path, "cable", "faults.tear_force", 5.0))
    assert (first.faults.tear_force, second.faults.tear_force) == (20.0, 5.0)


def test_the_ends_of_a_light_may_be_in_any_order(tmp_path: Path) -> None:
    file = changed(tmp_path, "cable", "visual_randomization.light_diffuse", [0.5, 0.3])
    assert cable.load_cable_config(file).visual_randomization.light_diffuse == (0.5, 0.3)
