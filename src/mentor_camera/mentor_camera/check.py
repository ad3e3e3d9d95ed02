"""Goes through a cell's cameras: which device, rate, age and setting is right or wrong."""

from __future__ import annotations

import time
from functools import partial

import numpy as np

from mentor_camera.cameras.frame import Frame
from mentor_camera.cameras.frame_watch import FrameWatch
from mentor_camera.cameras.realsense import DEVICE, RealSenseCamera
from mentor_common.cell.cell_file import find_cell
from mentor_common.cell.report import Report
from mentor_common.tasks.cameras import Camera
from mentor_common.tasks.task import find_task

MEASURED = 3.0  # seconds
SLOW = 0.95  # share of the asked rate
OLD = 0.1  # seconds


def check_cameras(
    cell_file: str, task_name: str, report: Report, sources: dict[str, str] | None = None
) -> None:
    """Open every camera of a task and watch it for some seconds.

    Args:
        cell_file: path; empty: the defaults.
        task_name: name of the task, or the path of its file.
        report: takes the findings.
        sources: by camera, what to open instead of the device.
    """
    cameras: list[tuple[Camera, RealSenseCamera]] = []

    def files() -> str:
        cell, task = find_cell(cell_file), find_task(task_name)
        for asked in task.cameras:
            source = (sources or {}).get(asked.name, DEVICE)
            placed = cell.placed(asked, task.image_size(asked.name))
            camera = RealSenseCamera(placed, cell.camera(asked.name), source)
            cameras.append((asked, camera))
        return f"cell '{cell.name}' and task '{task.name}': {len(cameras)} cameras"

    if not report.attempt(files):
        return
    for asked, camera in cameras:
        report.attempt(partial(_watch, camera, asked, report))
        camera.close()


def _watch(camera: RealSenseCamera, asked: Camera, report: Report) -> str:
    name = f"camera '{asked.name}'"
    camera.open()
    report.note(f"{name}: {camera.description()}")
    frames: list[tuple[float, Frame]] = []
    watch = FrameWatch(max_future=0.05, max_age=0.5)
    refusals: list[str] = []
    until = time.monotonic() + MEASURED
    while time.monotonic() < until:
        frame = camera.read(2.0)
        now_ns = time.time_ns()
        frames.append(((now_ns - frame.stamp_ns) / 1e9, frame))
        if refusal := watch.refusal(frame.stamp_ns, frame.number, now_ns):
            refusals.append(refusal)
    rate = len(frames) / MEASURED
    age = float(np.median([age for age, _ in frames]))
    report.expect(
        rate >= SLOW * asked.rate,
        f"{name}: {rate:.1f} images per second",
        f"{name}: {rate:.1f} images per second, the task asks for {asked.rate:g}: connect it to a "
        "USB 3 port of its own, with a short cable",
    )
    report.expect(
        age <= OLD,
        f"{name}: images are {age * 1e3:.0f} ms old when they arrive",
        f"{name}: images are {age * 1e3:.0f} ms old when they arrive, at most {OLD * 1e3:g} ms",
    )
    report.expect(
        not watch.dropped and not refusals,
        f"{name}: no image is missing, all stamps are right",
        f"{name}: {watch.dropped} images are missing; {refusals[0] if refusals else ''}",
    )
    height, width = frames[-1][1].pixels.shape[:2]
    return f"{name}: {width}x{height} pixels are used"
