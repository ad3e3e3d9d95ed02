"""What the camera chose in the warm-up is locked, and seen to be: through a software device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from plugged_camera import PluggedCamera, plugged_camera

from mentor_camera.cameras.image_settings import ImageSettings
from mentor_camera.cameras.warm_up import WarmUp
from mentor_common.cell.cell_file import CameraCell


def colour_sensor(plugged: PluggedCamera) -> Any:
    return plugged.camera._colour_sensor()


def set_metadata(plugged: PluggedCamera, **values: int) -> None:
    """Have the frames to come carry these values, as a camera does that knows what it does."""
    assert plugged.camera._simulated is not None
    keys = plugged.camera._rs.frame_metadata_value
    for name, value in values.items():
        plugged.camera._simulated._sensor.set_metadata(getattr(keys, name), value)


def test_what_the_camera_chose_in_the_warm_up_is_kept_and_the_cell_file_wins(
    tmp_path: Path,
) -> None:
    with plugged_camera(tmp_path, gain=32.0) as plugged:
        settings, sensor = plugged.camera.image_settings, colour_sensor(plugged)
        options = plugged.camera._rs.option
        assert settings is not None and not settings.locked
        assert sensor.get_option(options.enable_auto_white_balance) == 1.0
        locked = plugged.camera.lock()
        assert locked == {"exposure": 156.0, "gain": 32.0, "white_balance": 4600.0}
        assert sensor.get_option(options.enable_auto_exposure) == 0.0
        assert sensor.get_option(options.enable_auto_white_balance) == 0.0


def test_the_values_in_the_metadata_are_locked_although_the_options_have_older_ones(
    tmp_path: Path,
) -> None:
    with plugged_camera(tmp_path) as plugged:
        set_metadata(plugged, actual_exposure=40, gain_level=100, white_balance=3000)
        plugged.shoot()
        set_metadata(plugged, actual_exposure=333, gain_level=48, white_balance=4637)
        plugged.shoot()
        assert plugged.camera.lock() == {
            "exposure": 333.0,
            "gain": 48.0,
            "white_balance": 4640.0,  # in the option's steps of 10
        }
        set_metadata(plugged, actual_exposure=1000)
        plugged.shoot()
        option = plugged.camera._rs.option.exposure
        assert colour_sensor(plugged).get_option(option) == 333.0


def test_metadata_that_no_option_can_have_is_not_locked(tmp_path: Path) -> None:
    with plugged_camera(tmp_path) as plugged:
        set_metadata(plugged, actual_exposure=0, gain_level=1000, white_balance=0)
        plugged.shoot()
        assert plugged.camera.lock() == {"exposure": 156.0, "gain": 64.0, "white_balance": 4600.0}


class RecordedSensor:
    """A sensor that notes what is written; else the one that it wraps."""

    def __init__(self, sensor: Any) -> None:
        self._sensor = sensor
        self.written: dict[str, float] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sensor, name)

    def set_option(self, option: Any, value: float) -> None:
        self.written[option.name] = value
        self._sensor.set_option(option, value)


def test_a_value_is_written_although_the_option_has_it(tmp_path: Path) -> None:
    """The option has the last manual value while the sensor uses another one."""
    with plugged_camera(tmp_path) as plugged:
        sensor = RecordedSensor(colour_sensor(plugged))
        settings = ImageSettings(plugged.camera._rs, sensor, CameraCell())
        settings.begin()
        assert sensor.written == {"enable_auto_exposure": 1.0, "enable_auto_white_balance": 1.0}
        sensor.written.clear()
        settings.lock()
        assert sensor.written == {
            "enable_auto_exposure": 0.0, "exposure": 156.0, "gain": 64.0,
            "enable_auto_white_balance": 0.0, "white_balance": 4600.0,
        }  # fmt: skip


@pytest.mark.parametrize(
    ("after", "change"),
    [
        (48, "mean brightness 120 of 255 before exposure and gain were locked, 48 after"),
        (140, "mean brightness 120 of 255 before exposure and gain were locked, 140 after"),
        (125, ""),
    ],
)
def test_pictures_that_are_brighter_or_darker_once_they_are_locked_are_reported(
    tmp_path: Path, after: int, change: str
) -> None:
    with plugged_camera(tmp_path) as plugged:
        warm_up = WarmUp(plugged.camera, 2.0, now=0.0)
        grey, frames, now = 30, 0, 0.0
        while True:
            frames, now = frames + 1, frames / 10
            if now > 1.0:
                grey = 120  # the exposure has settled
            if now > 2.4:  # new settings are in effect a few frames after the lock
                grey = after
            if warm_up.over(plugged.shoot(grey).pixels, now):
                break
            assert now < 10.0
        assert warm_up.locked == {"exposure": 156.0, "gain": 64.0, "white_balance": 4600.0}
        if not change:
            assert warm_up.change == ""
            return
        assert change in warm_up.change
        assert warm_up.change.startswith("camera 'side' (serial 1234)")
        assert "set exposure and gain in the cell file (cameras.side)" in warm_up.change


def test_an_exposure_of_the_cell_file_is_not_compared(tmp_path: Path) -> None:
    with plugged_camera(tmp_path, exposure=200.0, gain=16.0) as plugged:
        warm_up = WarmUp(plugged.camera, 2.0, now=0.0)
        assert not warm_up.over(plugged.shoot(120).pixels, 1.9)
        assert warm_up.over(plugged.shoot(48).pixels, 2.0)
        assert warm_up.locked == {"exposure": 200.0, "gain": 16.0, "white_balance": 4600.0}
        assert warm_up.change == ""
