"""Exposure, gain and white balance: set from the cell file, or chosen by the camera, then locked.

A camera that continues adjusting itself changes the pictures when the arm moves into them, which a
policy and a classifier that were trained before have never seen.
"""

from __future__ import annotations

from typing import Any

from mentor_common.cell.cell_file import CameraCell

_AUTOMATIC = {"exposure": "enable_auto_exposure", "gain": "enable_auto_exposure",
              "white_balance": "enable_auto_white_balance"}  # fmt: skip


class ImageSettings:
    """Settings of one colour sensor.

    Args:
        library: pyrealsense2.
        sensor: sensor of the device.
        wanted: values of the cell file; None where the camera is to choose.
    """

    def __init__(self, library: Any, sensor: Any, wanted: CameraCell) -> None:
        self._option, self._sensor = library.option, sensor
        self._wanted = {name: getattr(wanted, name) for name in _AUTOMATIC}
        self.locked = False

    def begin(self) -> None:
        """Let the camera choose what the cell file leaves open, and set the rest."""
        self.locked = False
        for name in _AUTOMATIC:
            if self._wanted[name] is None:
                self._set(_AUTOMATIC[name], 1.0)
        for name, value in self._wanted.items():
            if value is not None:
                self._fix(name, value)

    def lock(self) -> dict[str, float]:
        """Keep the values that the camera has chosen from now on; return all of them."""
        values = {name: self._get(name) for name in _AUTOMATIC}
        for name, value in values.items():
            if value is not None:
                self._fix(name, value if self._wanted[name] is None else self._wanted[name])
        self.locked = True
        return {name: value for name in _AUTOMATIC if (value := self._get(name)) is not None}

    def _fix(self, name: str, value: float) -> None:
        self._set(_AUTOMATIC[name], 0.0)
        self._set(name, value)

    def _get(self, name: str) -> float | None:
        option = getattr(self._option, name)
        return float(self._sensor.get_option(option)) if self._sensor.supports(option) else None

    def _set(self, name: str, value: float) -> None:
        option = getattr(self._option, name)
        if self._sensor.supports(option) and self._sensor.get_option(option) != value:
            limits = self._sensor.get_option_range(option)
            if not limits.min <= value <= limits.max:
                raise ValueError(
                    f"{name} is {value:g}; this camera takes {limits.min:g} to {limits.max:g}"
                )
            self._sensor.set_option(option, value)
