"""librealsense's errors for a device that is gone are the camera's, and the node goes on."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from camera_peers import Shutter, Viewer
from plugged_camera import CAMERA, plugged_camera
from task_node import task_node

from mentor_camera.cameras.frame import CameraMissing, CameraSilent
from mentor_camera.cameras.realsense import RealSenseCamera
from mentor_common.cell.cell_file import CameraCell

WARN, ERROR = 1, 2


def raising(*_: object) -> Any:
    raise RuntimeError("xioctl(VIDIOC_QBUF) failed: No such device")


def test_a_pipeline_that_librealsense_has_stopped_is_silent_and_is_opened_again(
    tmp_path: Path,
) -> None:
    with plugged_camera(tmp_path) as plugged:
        plugged.camera._pipeline.stop()  # as its try_wait_for_frames does for a device that is gone
        with pytest.raises(CameraSilent, match=r"camera 'side' does not answer: .*before start"):
            plugged.camera.read(0.1)
        plugged.open()
        assert plugged.shoot().number == 1


def test_frames_of_a_stream_that_librealsense_started_again_are_not_used(tmp_path: Path) -> None:
    """It has the device's own exposure and clock, not the settings of this project."""
    with plugged_camera(tmp_path) as plugged:
        plugged.shoot()
        plugged.camera._device = SimpleNamespace(is_connected=lambda: False)
        with pytest.raises(CameraSilent, match="was unplugged and plugged in again"):
            plugged.shoot()


def test_an_error_while_the_devices_are_listed_is_a_missing_camera(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    camera = RealSenseCamera(CAMERA, CameraCell(serial="1234"))
    monkeypatch.setattr(camera._rs, "context", lambda: SimpleNamespace(query_devices=raising))
    with pytest.raises(CameraMissing, match="'side': the connected cameras cannot be listed: xi"):
        camera.open()


def test_a_device_that_is_gone_when_its_settings_are_locked_is_silent(tmp_path: Path) -> None:
    with plugged_camera(tmp_path) as plugged:
        assert plugged.camera.image_settings is not None
        gone = SimpleNamespace(supports=lambda _: True, get_option=raising)
        plugged.camera.image_settings._sensor = gone
        with pytest.raises(CameraSilent, match="camera 'side' does not answer: xioctl"):
            plugged.camera.lock()


def test_a_device_that_is_gone_has_no_temperature(tmp_path: Path) -> None:
    with plugged_camera(tmp_path) as plugged:
        plugged.camera._device = SimpleNamespace(query_sensors=raising)
        assert plugged.camera.temperature() is None


def test_the_node_opens_an_unplugged_camera_again_and_reports_a_wrong_exposure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parent}:{os.environ['PYTHONPATH']}")
    viewer = Viewer()
    try:
        with task_node(
            "physical_camera_node", source=f"feed:{tmp_path / 'side'}", warm_up=0.2,
            frame_timeout=0.3, reconnect_period=0.2, diagnostics_period=0.2,
        ) as node:  # fmt: skip
            camera = Shutter(tmp_path / "side", grey=100)
            changed = "mean brightness 100 of 255 before exposure and gain were locked, 50 after"
            assert camera.shoot_until(
                lambda: any(at == WARN and changed in said for at, said in viewer.diagnostics)
            )
            assert camera.shoot_until(lambda: len(viewer.images) > 3)
            camera.unplug()
            assert viewer.reads(ERROR, "nobody offers the frame feed")
            before = len(viewer.images)
            again = Shutter(tmp_path / "side", grey=100)
            assert again.shoot_until(lambda: len(viewer.images) > before + 3)
            again.unplug()
            assert node.poll() is None
        assert "nobody offers the frame feed" in (log := capfd.readouterr().err)
        assert "; retrying every 0.2 s" in log
    finally:
        viewer.close()
