"""The cell file says what it refuses; a missing library says which command brings it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentor_common.cell.cell_file import find_cell, load_cell, parse_cell
from mentor_common.cell.hardware_library import HardwareLibraryMissing, hardware_library
from mentor_common.cell.rehearsal_place import rehearsal_address, rehearsal_folder
from mentor_common.tasks.cameras import Camera, Crop
from mentor_common.tasks.task import find_task
from mentor_common.tasks.yaml_fields import TaskError

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("path", ["cells/example.yaml", "launch/cells/rehearsal.yaml"])
def test_the_cells_that_come_with_the_project_have_the_tasks_cameras(path: str) -> None:
    cell = load_cell(ROOT / path)
    assert {camera.name for camera in find_task("cable_routing").cameras} <= set(cell.cameras)


def test_no_file_is_a_cell_of_defaults() -> None:
    cell = find_cell("")
    assert (cell.robot.address, cell.bounds, cell.camera("side").serial) == ("172.16.0.2", {}, "")


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("name: a\nrobot: {adress: x}", "robot.adress.*did you mean 'address'"),
        ("name: a\nrobot: {realtime: maybe}", "robot.realtime.*'maybe'.*enforce"),
        ("name: a\nbounds: {z: [0.4, 0.1]}", r"bounds\.z.*a <= b"),
        ("name: a\ncameras: {side: {gain: -1}}", r"cameras\.side\.gain.*from 0"),
        ("name: a\ncameras: {side: {crop: {x: 0, y: 0, width: 4, height: 84}}}", "8 pixels"),
    ],
)
def test_what_is_wrong_is_refused_with_file_key_value_and_what_is_allowed(
    text: str, refusal: str
) -> None:
    with pytest.raises(TaskError, match=refusal) as error:
        parse_cell(text, "cells/mine.yaml")
    assert "cell file cells/mine.yaml" in str(error.value)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (None, "No such file"),
        ("<robot>", "no element found|mismatched"),
        ("<sdf/>", r"root is <sdf>.*xacro FILE"),
        ("<robot name='fr3'/>", ""),
    ],
)
def test_the_description_is_read_beside_the_cell_file_or_refused(
    tmp_path: Path, text: str | None, refusal: str
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: a\nrobot: {description: arm.urdf}")
    if text is not None:
        (tmp_path / "arm.urdf").write_text(text)
    if not refusal:
        assert load_cell(file).description() == text
        return
    with pytest.raises(ValueError, match=refusal) as error:
        load_cell(file).description()
    assert "mine.yaml: key 'robot.description'" in str(error.value)
    assert find_cell("").description() == ""


SIDE = Camera("side", 640, 480, 30.0, True, False, 0.1, Crop(80, 0, 480, 480))


@pytest.mark.parametrize(
    ("crop", "size", "allowed"),
    [
        ((600, 0, 84, 84), (84, 84), "a region of the task's captures of 640x480 pixels"),
        ((0, 0, 480, 400), (84, 84), "at least 84x84 pixels,.* aspect ratio within 1%"),
        ((0, 0, 60, 60), (84, 84), "at least 84x84 pixels"),
        ((0, 0, 100, 100), (168, 168), "at least 168x168 pixels"),
        ((0, 0, 200, 199), (200, 200), "at least 200x200 pixels"),
        ((0, 0, 480, 480), (84, 168), "at least 168x84 pixels"),
        ((0, 0, 84, 84), (84, 84), ""),
        ((0, 0, 480, 240), (84, 168), ""),
        ((0, 0, 300, 302), (84, 84), ""),
    ],
)
def test_a_crop_that_cannot_become_the_tasks_images_is_refused_by_its_key(
    crop: tuple[int, int, int, int], size: tuple[int, int], allowed: str
) -> None:
    text = "{{x: {}, y: {}, width: {}, height: {}}}".format(*crop)
    cell = parse_cell(f"name: a\ncameras: {{side: {{crop: {text}}}}}", "mine.yaml")
    if not allowed:
        assert cell.placed(SIDE, size).crop == Crop(*crop)
        return
    with pytest.raises(ValueError, match=f"allowed: {allowed}") as refused:
        cell.placed(SIDE, size)
    assert "cell file mine.yaml: key 'cameras.side.crop'" in str(refused.value)


def test_without_a_crop_in_the_cell_the_tasks_crop_holds() -> None:
    assert find_cell("").placed(SIDE, (84, 84)) is SIDE


def test_a_missing_library_is_refused_with_the_command_that_brings_it() -> None:
    with pytest.raises(HardwareLibraryMissing, match=r"'franky-control'.*'make hardware' installs"):
        hardware_library("a_library_that_is_nowhere", "franky-control")


def test_every_cell_has_a_rehearsal_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    places = set()
    for domain in ("7", "8"):
        monkeypatch.setenv("ROS_DOMAIN_ID", domain)
        for namespace in ("/", "/cell_a", "/cell_b"):
            address = rehearsal_address(namespace)
            assert address.startswith("127.") and not address.startswith("127.0.")
            places.add((address, rehearsal_folder(namespace)))
    assert len(places) == len({address for address, _ in places}) == 6
