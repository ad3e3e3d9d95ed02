"""A page on this machine that shows the cameras live and writes their crops to the cell file."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mentor_camera.calibration.cell_writer import write_cameras
from mentor_camera.cameras.frame import CameraError
from mentor_camera.cameras.realsense import DEVICE, RealSenseCamera
from mentor_common.cell.cell_file import CameraCell, load_cell
from mentor_common.cli.local_page import LocalPage, serve_until_interrupted
from mentor_common.tasks.cameras import Crop
from mentor_common.tasks.task import Task, find_task

PAGE = Path(__file__).with_name("page.html")


class LiveCamera:
    """Keeps the newest whole image of a camera, reconnecting by itself.

    Args:
        camera: not cropped.
    """

    def __init__(self, camera: RealSenseCamera) -> None:
        self._camera = camera
        self._lock = threading.Lock()
        self._pixels: np.ndarray | None = None
        self._error = "no image yet"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def jpeg(self) -> bytes | None:
        """Return the newest image as JPEG; None without one."""
        with self._lock:
            pixels = self._pixels
        if pixels is None:
            return None
        _, encoded = cv2.imencode(".jpg", pixels[:, :, ::-1])
        return bytes(encoded)

    @property
    def error(self) -> str:
        """Why there is no image."""
        with self._lock:
            return self._error

    def close(self) -> None:
        """Release the camera."""
        self._stop.set()
        self._thread.join(3.0)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._camera.open()
                while not self._stop.is_set():
                    pixels = self._camera.read(1.0).pixels
                    with self._lock:
                        self._pixels, self._error = pixels, ""
            except CameraError as error:
                with self._lock:
                    self._pixels, self._error = None, str(error)
                self._stop.wait(1.0)
        self._camera.close()


class Calibration:
    """The cameras of a task as a cell has them, and the file that they are written to.

    Args:
        path: path of the cell file.
        task: names the cameras.
        sources: by camera, what is opened instead of the device.

    Raises:
        FileNotFoundError: there is no cell file: one of cameras alone would have no bounds.
        TaskError: it is no cell file.
    """

    def __init__(self, path: Path, task: Task, sources: dict[str, str]) -> None:
        self.path, self.task = path, task
        if not path.exists():
            raise FileNotFoundError(
                f"cell file {path} does not exist; cp cells/example.yaml {path} first"
            )
        self.cell = load_cell(path)
        self.live = {
            camera.name: LiveCamera(
                RealSenseCamera(
                    replace(camera, crop=None), self.cell.camera(camera.name),
                    sources.get(camera.name, DEVICE),
                )
            )
            for camera in task.cameras
        }  # fmt: skip

    def cameras(self) -> dict[str, Any]:
        """Return what the page shows of each camera; a wrong crop of the file, too."""
        shown = {}
        for camera in self.task.cameras:
            cell = self.cell.camera(camera.name)
            crop = camera.crop if cell.crop is None else cell.crop
            height, width = self.task.image_size(camera.name)
            shown[camera.name] = {
                "serial": cell.serial,
                "width": camera.width,
                "height": camera.height,
                "least": {"width": width, "height": height},
                "crop": None if crop is None else vars(crop),
            }
        return shown

    def save(self, wanted: dict[str, Any]) -> str:
        """Write serials and crops of the task's cameras to the file; return what was done.

        The rest of the file is read again and stays: exposure of these cameras, other cameras.

        Args:
            wanted: by camera, ``serial`` and ``crop``, as the page has them; a camera that is not
                named stays as it is.

        Raises:
            ValueError: a camera is unknown, or a crop is not usable.
            OSError: the file cannot be read or written.
        """
        known = [camera.name for camera in self.task.cameras]
        if unknown := ", ".join(sorted(wanted.keys() - set(known))):
            raise ValueError(
                f"task '{self.task.name}' has no camera {unknown}; it has: {', '.join(known)}"
            )
        cell = load_cell(self.path)
        cameras: dict[str, CameraCell] = {}
        for name, one in wanted.items():
            crop = one.get("crop")
            cameras[name] = replace(
                cell.camera(name),
                serial=str(one.get("serial", "")),
                crop=None if crop is None else Crop(**{k: int(v) for k, v in crop.items()}),
            )
        candidate = replace(cell, cameras={**cell.cameras, **cameras})
        for camera in self.task.cameras:
            candidate.placed(camera, self.task.image_size(camera.name))
        self.cell = write_cameras(self.path, cameras)
        return f"written: {self.path}"

    def close(self) -> None:
        """Release the cameras."""
        for camera in self.live.values():
            camera.close()


class Handler(LocalPage):
    """Answers the page's requests."""

    def __init__(self, calibration: Calibration, *arguments: Any) -> None:
        self._calibration = calibration
        super().__init__(*arguments)

    def get(self, path: str) -> None:
        """Send the page, the cameras, an image, or why there is none."""
        kind, _, name = path.strip("/").partition("/")
        live = self._calibration.live.get(name)
        if kind == "":
            self.send("text/html; charset=utf-8", PAGE.read_bytes())
        elif kind == "cameras":
            self.send_json(self._calibration.cameras())
        elif kind == "image" and live is not None and (jpeg := live.jpeg()) is not None:
            self.send("image/jpeg", jpeg)
        elif kind == "error" and live is not None:
            self.send_text(live.error)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def post(self, path: str, content: Any) -> None:
        """Write the cell file."""
        if path != "/save":
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            self.send_text(self._calibration.save(content))
        except (ValueError, TypeError, OSError) as error:
            self.send_text(f"not written: {error}", HTTPStatus.BAD_REQUEST)


def make_server(calibration: Calibration, port: int) -> ThreadingHTTPServer:
    """Return the page's server, for this machine only; port 0 takes a free one."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, calibration))


def serve(path: Path, task: str, port: int, sources: dict[str, str]) -> None:
    """Serve the page until Ctrl-C."""
    calibration = Calibration(path, find_task(task), sources)
    try:
        serve_until_interrupted(make_server(calibration, port))
    finally:
        calibration.close()
