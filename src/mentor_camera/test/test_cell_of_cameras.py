"""The check of a cell's cameras names what is wrong with which."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from delivering_cameras import CAMERAS, delivering_cameras
from physical_camera_node import PhysicalCamera
from plugged_camera import Pump

from mentor_camera.calibration.cell_writer import write_cameras
from mentor_camera.check import check_cameras
from mentor_common.cell.cell_file import CameraCell
from mentor_common.cell.frame_feed import FeedHeader, FrameFeed
from mentor_common.cell.report import Report
from mentor_common.tasks.cameras import Crop


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Cameras that deliver."""
    with delivering_cameras(tmp_path) as sources:
        yield sources


def test_the_check_names_the_camera_that_is_wrong(
    tmp_path: Path, sources: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mentor_camera.check.MEASURED", 0.5)
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\n")
    write_cameras(path, {"side": CameraCell("7"), "slot_1": CameraCell("8")})
    said = io.StringIO()
    report = Report(said)
    check_cameras(str(path), "cable_routing", report, sources)
    lines = said.getvalue().splitlines()
    assert report.status == 1
    assert any(
        line.startswith("WRONG") and "'slot_1': serial 8 is not connected; connected: 7" in line
        for line in lines
    )
    assert any(line.startswith("right") and "camera 'side': no image is missing" in line
               for line in lines), said.getvalue()  # fmt: skip


def test_the_check_goes_on_behind_a_camera_whose_pipeline_librealsense_has_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mentor_camera.check.MEASURED", 0.5)
    monkeypatch.setattr("mentor_camera.check.RealSenseCamera", PhysicalCamera)
    said = io.StringIO()
    with delivering_cameras(tmp_path, CAMERAS[1:]) as sources:
        still = FrameFeed(tmp_path / "side", FeedHeader("Simulated D435", "7", 640, 480, 30, 600.0))
        accepting = Pump(lambda: still.connected)
        check_cameras("", "cable_routing", Report(said), {**sources, "side": f"feed:{still.path}"})
        accepting.stop()
        still.close()
    lines = said.getvalue().splitlines()
    assert "WRONG  camera 'side' has sent no frame for 2 s" in lines
    assert "right  camera 'slot_2': 480x480 pixels are used" in lines


def test_the_check_names_a_crop_that_the_task_cannot_use(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\n")
    write_cameras(path, {"side": CameraCell("7", Crop(0, 0, 480, 400))})
    said = io.StringIO()
    check_cameras(str(path), "cable_routing", Report(said))
    (line,) = said.getvalue().splitlines()
    assert line.startswith("WRONG") and "key 'cameras.side.crop'" in line


@pytest.mark.parametrize("missing", ["the library", "the cell file"])
def test_the_check_reports_what_it_cannot_begin_without(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing == "the library":
        monkeypatch.setitem(sys.modules, "pyrealsense2", None)
    said = io.StringIO()
    report = Report(said)
    check_cameras("" if missing == "the library" else "nowhere.yaml", "cable_routing", report)
    (line,) = said.getvalue().splitlines()
    named = "'make hardware' installs it" if missing == "the library" else "nowhere.yaml"
    assert report.status == 1 and line.startswith("WRONG") and named in line
