"""A camera that is written to a cell file changes nothing else in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentor_camera.calibration.cell_writer import with_cameras, write_cameras
from mentor_common.cell.cell_file import CameraCell, parse_cell
from mentor_common.tasks.cameras import Crop
from mentor_common.tasks.yaml_fields import TaskError

EXAMPLE = Path(__file__).parents[3] / "cells" / "example.yaml"
SIDE = CameraCell("42", Crop(1, 2, 300, 300), exposure=120.0)
LINE = (
    'side: {serial: "42", crop: {x: 1, y: 2, width: 300, height: 300}, exposure: 120, '
    "gain: auto, white_balance: auto}"
)


def test_one_line_of_the_example_changes_and_no_other() -> None:
    old = EXAMPLE.read_text().splitlines()
    new = with_cameras(EXAMPLE.read_text(), {"side": SIDE}).splitlines()
    changed = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    assert [b for _, b in changed] == [f"  {LINE}"]


BLOCK = """\
name: a
cameras: # of all tasks
  # over the board
  side: # clamped
    serial: "1" # red tape
    # measured at noon
    gain: 3 # never more
# the hand
  wrist: {serial: "2", exposure: 90} # D405

# metres
bounds: {z: [0, 1]}
"""


def test_other_cameras_and_the_comments_around_a_camera_stay() -> None:
    written = with_cameras(BLOCK, {"side": SIDE})
    assert parse_cell(written).cameras == {**parse_cell(BLOCK).cameras, "side": SIDE}
    start, end = BLOCK.index('    serial: "1"'), BLOCK.index(" # never more")
    (kept,) = {line for line in written.splitlines() if "serial: " in line and "42" in line}
    assert written == f"{BLOCK[:start]}{kept.removesuffix(' # never more')}{BLOCK[end:]}"


def test_a_camera_that_has_these_values_stays_as_it_is_written() -> None:
    present = parse_cell(BLOCK).cameras["side"]
    assert with_cameras(BLOCK, {"side": present}) == BLOCK


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", f"\ncameras:\n  {LINE}\n"),
        ("cameras: {}\nbounds: {}\n", f"cameras:\n  {LINE}\nbounds: {{}}\n"),
        (
            "cameras:\n    wrist:\n        gain: 2 # b\n\n# c\nbounds: {}\n",
            f"cameras:\n    wrist:\n        gain: 2 # b\n    {LINE}\n\n# c\nbounds: {{}}\n",
        ),
        ("cameras:\n  wrist: {}", f"cameras:\n  wrist: {{}}\n  {LINE}\n"),
        (
            "cameras: {wrist: {}, side: {gain: 3}} # b\n",
            f"cameras: {{wrist: {{}}, {LINE}}} # b\n",
        ),
        (
            "cameras: {wrist: {gain: 3}} # b\n",
            'cameras:\n  wrist: {serial: "", exposure: auto, gain: 3, white_balance: auto}\n'
            f"  {LINE} # b\n",
        ),
    ],
)
def test_a_camera_that_the_file_lacks_is_added(text: str, result: str) -> None:
    assert with_cameras(f"name: a\n{text}", {"side": SIDE}) == f"name: a\n{result}"


@pytest.mark.parametrize("value", [1_000_000.0, 123_456.5, 0.25])
def test_a_value_is_read_as_it_was_written(value: float) -> None:
    camera = CameraCell(serial='a "b" \\c', exposure=value)
    assert parse_cell(with_cameras("name: a", {"side": camera})).cameras["side"] == camera


def test_what_is_no_cell_file_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nrobott: {}\n")
    with pytest.raises(TaskError, match=r"cell file .*mine\.yaml.*did you mean 'robot'"):
        write_cameras(path, {"side": CameraCell("1")})
    assert path.read_text() == "name: mine\nrobott: {}\n"
