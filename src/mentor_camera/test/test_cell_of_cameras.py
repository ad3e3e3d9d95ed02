"""Placing and checking the cameras of a cell: the file that is written, and what is found wrong."""

from __future__ import annotations

import io
import json
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mentor_camera.calibration.cell_writer import with_cameras, write_cameras
from mentor_camera.calibration.server import Calibration, make_server
from mentor_camera.check import check_cameras
from mentor_common.cell.cell_file import CameraCell, load_cell
from mentor_common.cell.frame_feed import FeedHeader, FrameFeed
from mentor_common.cell.report import Report
from mentor_common.tasks.cameras import Crop
from mentor_common.tasks.task import find_task
from mentor_common.tasks.yaml_fields import TaskError

EXAMPLE = Path(__file__).parents[3] / "cells" / "example.yaml"
CAMERAS = ("side", "slot_1", "slot_2")


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Three cameras of 640x480 that are plugged in and deliver."""
    header = FeedHeader("Simulated D435", "7", 640, 480, 30, 600.0)
    feeds = {name: FrameFeed(tmp_path / name, header) for name in CAMERAS}
    stop = threading.Event()
    picture = np.full((480, 640, 3), 90, np.uint8)

    def run() -> None:
        number = 0
        while not stop.wait(1 / 30):
            number += 1
            for feed in feeds.values():
                feed.send(time.time_ns(), number, picture)

    thread = threading.Thread(target=run)
    thread.start()
    yield {name: f"feed:{feed.path}" for name, feed in feeds.items()}
    stop.set()
    thread.join()
    for feed in feeds.values():
        feed.close()


def test_writing_cameras_leaves_the_rest_of_the_file_as_it_is() -> None:
    text = EXAMPLE.read_text()
    written = with_cameras(text, {"side": CameraCell("42", Crop(1, 2, 300, 300), exposure=120.0)})
    head = text[: text.index("\ncameras:")]
    assert written.startswith(head) and "# of the control box" in written
    assert (
        '  side: {serial: "42", crop: {x: 1, y: 2, width: 300, height: 300}, exposure: 120'
        in written
    )
    assert "slot_1" not in written


def test_what_is_no_cell_file_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nrobott: {}\n")
    with pytest.raises(TaskError, match="did you mean 'robot'"):
        write_cameras(path, {"side": CameraCell("1")})
    assert path.read_text() == "name: mine\nrobott: {}\n"


def test_the_page_shows_the_cameras_and_writes_their_crops(
    tmp_path: Path, sources: dict[str, str]
) -> None:
    path = tmp_path / "mine.yaml"
    calibration = Calibration(path, find_task("cable_routing"), sources)
    server = make_server(calibration, 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"

    def save(cameras: object) -> urllib.request.Request:
        kind = {"Content-Type": "application/json"}
        return urllib.request.Request(f"{base}/save", json.dumps(cameras).encode(), kind)

    try:
        assert b"Save the cell file" in urllib.request.urlopen(base).read()
        cameras = json.loads(urllib.request.urlopen(f"{base}/cameras").read())
        assert cameras["side"]["crop"] == {"x": 80, "y": 0, "width": 480, "height": 480}
        until = time.monotonic() + 20.0
        while calibration.live["side"].jpeg() is None and time.monotonic() < until:
            time.sleep(0.05)
        assert urllib.request.urlopen(f"{base}/image/side").read()[:2] == b"\xff\xd8"
        cameras["side"] = {"serial": "7", "crop": {"x": 10, "y": 20, "width": 200, "height": 200}}
        said = urllib.request.urlopen(save(cameras)).read()
        assert said.decode() == f"written: {path}"
        assert load_cell(path).camera("side") == CameraCell("7", Crop(10, 20, 200, 200))
        cameras["side"]["crop"]["x"] = 600
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(save(cameras))
        assert b"captures of 640x480" in refused.value.read()
        assert load_cell(path).camera("side").crop == Crop(10, 20, 200, 200)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        calibration.close()


def test_the_check_names_the_camera_that_is_wrong(
    tmp_path: Path, sources: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mentor_camera.check.MEASURED", 0.5)
    path = tmp_path / "mine.yaml"
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
