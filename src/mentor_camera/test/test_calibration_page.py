"""The page on which the cameras of a cell are placed: over HTTP, and in a browser."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser
from delivering_cameras import delivering_cameras

from mentor_camera.calibration.server import Calibration, make_server
from mentor_common.cell.cell_file import CameraCell, load_cell
from mentor_common.tasks.cameras import Crop
from mentor_common.tasks.task import find_task

CELL = """\
name: mine
cameras:
  side: {serial: "7", exposure: 120, gain: 16}
  # of peg insertion
  wrist: {serial: "2", crop: {x: 8, y: 8, width: 200, height: 200}, exposure: 90}
"""


class Page:
    """The page of a cell file, served."""

    def __init__(self, path: Path, sources: dict[str, str]) -> None:
        self.path = path
        self.calibration = Calibration(path, find_task("cable_routing"), sources)
        self._server = make_server(self.calibration, 0)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def get(self, path: str = "") -> bytes:
        answer: bytes = urllib.request.urlopen(f"{self.address}/{path}").read()
        return answer

    def cameras(self) -> dict[str, Any]:
        return dict(json.loads(self.get("cameras")))

    def save(self, cameras: object) -> str:
        """Return what the page answers to its button."""
        kind = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.address}/save", json.dumps(cameras).encode(), kind)
        try:
            return str(urllib.request.urlopen(request).read().decode())
        except urllib.error.HTTPError as refused:
            return str(refused.read().decode())

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.calibration.close()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    (tmp_path / "mine.yaml").write_text(CELL)
    with delivering_cameras(tmp_path) as sources:
        page = Page(tmp_path / "mine.yaml", sources)
        try:
            yield page
        finally:
            page.close()


def crop(width: int, height: int, x: int = 0) -> dict[str, Any]:
    return {"serial": "7", "crop": {"x": x, "y": 0, "width": width, "height": height}}


def test_the_page_shows_the_cameras_and_writes_their_crops(tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    path.write_text("name: new\n")
    with delivering_cameras(tmp_path) as sources:
        page = Page(path, sources)
        try:
            assert b"Save the cell file" in page.get()
            cameras = page.cameras()
            assert cameras["side"]["crop"] == {"x": 80, "y": 0, "width": 480, "height": 480}
            until = time.monotonic() + 20.0
            while page.calibration.live["side"].jpeg() is None and time.monotonic() < until:
                time.sleep(0.05)
            assert page.get("image/side")[:2] == b"\xff\xd8"
            cameras["side"] = crop(200, 200, x=10)
            assert page.save(cameras) == f"written: {path}"
            assert load_cell(path).camera("side") == CameraCell("7", Crop(10, 0, 200, 200))
        finally:
            page.close()


def test_without_a_cell_file_there_is_no_page_and_none_is_begun(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    command = ["calibrate", "--cell", str(path), "--task", "cable_routing", "--port", "0"]
    done = subprocess.run(
        [sys.executable, "-m", "mentor_camera", *command],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and not path.exists() and "Traceback" not in done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert line == (f"error: cell file {path} does not exist; cp cells/example.yaml {path} first")


def test_a_cell_file_that_is_deleted_meanwhile_is_not_begun_again(page: Page) -> None:
    page.path.unlink()
    answer = page.save({"side": crop(300, 300)})
    assert answer.startswith("not written: ") and str(page.path) in answer
    assert not page.path.exists()


def test_cameras_of_other_tasks_and_what_was_written_meanwhile_stay(page: Page) -> None:
    before = load_cell(page.path).cameras
    page.path.write_text(CELL.replace("exposure: 120", "exposure: 333"))  # in an editor
    assert page.save({"side": crop(300, 300)}) == f"written: {page.path}"
    side = CameraCell("7", Crop(0, 0, 300, 300), exposure=333.0, gain=16.0)
    assert load_cell(page.path).cameras == {"side": side, "wrist": before["wrist"]}
    assert "# of peg insertion" in page.path.read_text()


@pytest.mark.parametrize(
    ("cameras", "refusal"),
    [
        ({"side": crop(480, 400)}, "key 'cameras.side.crop': .*at least 84x84 pixels.*aspect"),
        ({"side": crop(60, 60)}, "key 'cameras.side.crop': .*at least 84x84 pixels"),
        ({"side": crop(200, 200, x=600)}, "captures of 640x480"),
        ({"wrist": crop(200, 200)}, "'cable_routing' has no camera wrist; it has: side, slot_1"),
    ],
)
def test_what_the_task_cannot_use_is_not_written(
    page: Page, cameras: dict[str, Any], refusal: str
) -> None:
    answer = page.save(cameras)
    assert answer.startswith("not written: ")
    with pytest.raises(ValueError, match=refusal):
        raise ValueError(answer)
    assert page.path.read_text() == CELL


def test_a_wrong_crop_of_the_file_is_shown_so_that_it_can_be_drawn_again(page: Page) -> None:
    page.path.write_text(CELL.replace("gain: 16", "crop: {x: 0, y: 0, width: 480, height: 400}"))
    again = Calibration(page.path, page.calibration.task, {})
    try:
        shown = again.cameras()["side"]
        assert shown["crop"] == {"x": 0, "y": 0, "width": 480, "height": 400}
        assert shown["least"] == {"width": 84, "height": 84}
    finally:
        again.close()


DRAG = """(([[x0, y0], [x1, y1]]) => {
  const view = document.getElementById("view_side");
  const box = view.querySelector("img").getBoundingClientRect();
  const send = (kind, x, y) => view.dispatchEvent(new MouseEvent(kind, {
    bubbles: true,
    clientX: Math.floor(box.left + x * box.width / 640 + 0.49),  // events have whole pixels
    clientY: Math.floor(box.top + y * box.width / 640 + 0.49) }));
  send("mousedown", x0, y0); send("mousemove", x1, y1);
  const said = view.querySelector(".size").textContent;
  send("mouseup", x1, y1);
  return said;
})"""


def test_what_is_drawn_has_the_shape_of_the_tasks_images_and_at_least_their_size(
    page: Page,
) -> None:
    with Browser() as browser:
        browser.open(page.address)
        assert browser.wait("document.querySelector('#view_side img')?.naturalWidth === 640")
        assert browser.evaluate(f"{DRAG}([[100, 100], [300, 220]])") == "120x120 at 100, 100"
        assert browser.evaluate(f"{DRAG}([[300, 300], [50, 160]])") == "140x140 at 160, 160"
        too_small = browser.evaluate(f"{DRAG}([[300, 300], [360, 400]])")
        assert too_small == "too small: the task uses 84x84 pixels"
        browser.evaluate("document.getElementById('save').click()")
        assert browser.wait("document.getElementById('result').textContent") == (
            f"written: {page.path}"
        )
        without_image = "Failed to load resource"  # before the first one has come
        assert not [error for error in browser.errors if without_image not in error]
    assert load_cell(page.path).camera("side").crop == Crop(160, 160, 140, 140)
