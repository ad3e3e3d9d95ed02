"""Exposure, gain and white balance: set from the cell file, or chosen by the camera, then locked.

A camera that continues adjusting itself changes the pictures when the arm moves into them, which a
policy and a classifier that were trained before have never seen.
"""

from __future__ import annotations

from typing import Any

from mentor_common.cell.cell_file import CameraCell

_AUTOMATIC = {"exposure": "enable_auto_exposure", "gain": "enable_auto_exposure",
              "white_balance": "enable_auto_white_balance"}  # fmt: skip
# What a frame's metadata calls the value that it was taken with. No unit is converted: on the D400
# series the metadata of the colour sensor is the register that the option writes. librealsense's
# own test (unit-tests/live/options/test-rgb-options-metadata-consistency.py) requires both to be
# equal, so exposure is in units of 100 microseconds, although rs_frame.h says microseconds.
# Its maintainers also report (issues 2549 and 5035) that some of these sensors, such as the D415's,
# repeat the last manual exposure while they choose it themselves: WarmUp compares the pictures.
_IN_EFFECT = {"exposure": "actual_exposure", "gain": "gain_level", "white_balance": "white_balance"}


class ImageSettings:
    """Settings of one colour sensor; its methods raise librealsense's RuntimeError.

    Args:
        library: pyrealsense2.
        sensor: sensor of the device.
        wanted: values of the cell file; None where the camera is to choose.
    """

    def __init__(self, library: Any, sensor: Any, wanted: CameraCell) -> None:
        self._option, self._sensor = library.option, sensor
        self._metadata = {
            name: getattr(library.frame_metadata_value, key) for name, key in _IN_EFFECT.items()
        }
        self._wanted = {name: getattr(wanted, name) for name in _AUTOMATIC}
        self._in_effect: dict[str, float] = {}
        self.locked = False

    @property
    def chooses_exposure(self) -> bool:
        """Whether the camera chooses exposure and gain; a value for one ends it for both."""
        return self._wanted["exposure"] is None and self._wanted["gain"] is None

    def begin(self) -> None:
        """Let the camera choose what the cell file leaves open, and set the rest.

        Raises:
            ValueError: a value of the cell file is not in the option's range.
        """
        self.locked = False
        self._in_effect.clear()
        for name in _AUTOMATIC:
            if self._wanted[name] is None:
                self._set(_AUTOMATIC[name], 1.0)
        for name, value in self._wanted.items():
            if value is not None:
                self._fix(name, value)

    def see(self, frame: Any) -> None:
        """Keep the values that a frame of librealsense was taken with, if its metadata has them."""
        for name, key in self._metadata.items():
            if frame.supports_frame_metadata(key):
                self._in_effect[name] = float(frame.get_frame_metadata(key))

    def lock(self) -> dict[str, float]:
        """Keep the values that the camera has chosen from now on; return all of them.

        They are those of the newest frame's metadata; without metadata those of the options, which
        may be older: a colour sensor does not write what it chooses into its options.
        """
        values = {name: self._chosen(name) for name in _AUTOMATIC}
        for name, value in values.items():
            if value is not None:
                # Written even if the option has this value: the sensor may use another one.
                self._fix(name, value)
        self.locked = True
        return {name: value for name in _AUTOMATIC if (value := self._get(name)) is not None}

    def _chosen(self, name: str) -> float | None:
        """Return the value to lock; None: the sensor has no such option."""
        if self._wanted[name] is not None:
            return float(self._wanted[name])
        value, seen = self._get(name), self._in_effect.get(name)
        if value is None or seen is None:
            return value
        limits = self._sensor.get_option_range(getattr(self._option, name))
        if not limits.min <= seen <= limits.max:
            return value  # firmware that does not know the value reports 0
        if not limits.step:
            return seen
        return float(limits.min + round((seen - limits.min) / limits.step) * limits.step)

    def _fix(self, name: str, value: float) -> None:
        self._set(_AUTOMATIC[name], 0.0)
        self._set(name, value)

    def _get(self, name: str) -> float | None:
        option = getattr(self._option, name)
        return float(self._sensor.get_option(option)) if self._sensor.supports(option) else None

    def _set(self, name: str, value: float) -> None:
        option = getattr(self._option, name)
        if not self._sensor.supports(option):
            return
        limits = self._sensor.get_option_range(option)
        if not limits.min <= value <= limits.max:
            raise ValueError(
                f"{name} is {value:g}; this camera takes {limits.min:g} to {limits.max:g}"
            )
        self._sensor.set_option(option, value)
