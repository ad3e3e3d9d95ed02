"""A page on this machine that shows the cameras live and writes their crops to the cell file."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mentor_camera.calibration.cell_writer import write_cameras
from mentor_camera.cameras.frame import CameraError
from mentor_camera.cameras.realsense import DEVICE, RealSenseCamera
from mentor_common.cell.cell_file import CameraCell, Cell, load_cell
from mentor_common.tasks.cameras import Crop
from mentor_common.tasks.task import Task, find_task

PAGE = Path(__file__).with_name("page.html")
_LARGEST = 100_000  # bytes of a request


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
        """Let go of the camera."""
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
        path: of the cell file; may be missing.
        task: names the cameras.
        sources: by camera, what is opened instead of the device.
    """

    def __init__(self, path: Path, task: Task, sources: dict[str, str]) -> None:
        self.path, self.task = path, task
        self.cell = load_cell(path) if path.exists() else Cell()
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
        """Return what the page shows of each camera."""
        shown = {}
        for camera in self.task.cameras:
            crop = self.cell.placed(camera).crop
            shown[camera.name] = {
                "serial": self.cell.camera(camera.name).serial,
                "width": camera.width,
                "height": camera.height,
                "crop": None if crop is None else vars(crop),
            }
        return shown

    def save(self, wanted: dict[str, Any]) -> str:
        """Write serials and crops to the file; return what was done.

        Raises:
            ValueError: a camera is unknown, or a crop leaves its capture.
        """
        cameras: dict[str, CameraCell] = {}
        for camera in self.task.cameras:
            one = wanted.get(camera.name, {})
            crop = one.get("crop")
            cameras[camera.name] = replace(
                self.cell.camera(camera.name),
                serial=str(one.get("serial", "")),
                crop=None if crop is None else Crop(**{k: int(v) for k, v in crop.items()}),
            )
        candidate = replace(self.cell, cameras=cameras, file=str(self.path))
        for camera in self.task.cameras:
            candidate.placed(camera)  # refuses what leaves the capture
        self.cell = write_cameras(self.path, cameras)
        return f"written: {self.path}"

    def close(self) -> None:
        """Let go of the cameras."""
        for camera in self.live.values():
            camera.close()


class Handler(BaseHTTPRequestHandler):
    """Answers the page."""

    def __init__(self, calibration: Calibration, *arguments: Any) -> None:
        self._calibration = calibration
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Send the page, the cameras, or an image."""
        kind, _, name = self.path.split("?")[0].strip("/").partition("/")
        live = self._calibration.live.get(name)
        if kind == "":
            self._send("text/html; charset=utf-8", PAGE.read_bytes())
        elif kind == "cameras":
            self._send("application/json", json.dumps(self._calibration.cameras()).encode())
        elif kind == "image" and live is not None and (jpeg := live.jpeg()) is not None:
            self._send("image/jpeg", jpeg)
        elif kind == "error" and live is not None:
            self._send("text/plain; charset=utf-8", live.error.encode())
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        """Write the cell file."""
        length = int(self.headers.get("Content-Length", 0))
        if self.path != "/save" or length > _LARGEST:
            self.send_error(404)
            return
        origin = self.headers.get("Origin")
        if origin is not None and origin.split("://")[-1] != self.headers.get("Host"):
            self.send_error(403)  # a page of somebody else
            return
        try:
            said = self._calibration.save(json.loads(self.rfile.read(length)))
        except (ValueError, TypeError, OSError) as error:
            self._send("text/plain; charset=utf-8", f"not written: {error}".encode(), 400)
            return
        self._send("text/plain; charset=utf-8", said.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: images are asked for ten times a second."""

    def _send(self, kind: str, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


def make_server(calibration: Calibration, port: int) -> ThreadingHTTPServer:
    """Return the page's server, for this machine only; port 0 takes a free one."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, calibration))


def serve(path: Path, task: str, port: int, sources: dict[str, str]) -> None:
    """Serve the page until Ctrl-C."""
    calibration = Calibration(path, find_task(task), sources)
    server = make_server(calibration, port)
    print(f"http://127.0.0.1:{server.server_port} shows the cameras; Ctrl-C ends", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
        calibration.close()
