"""The time after a camera was opened: its exposure settles, is locked, and is seen to be kept."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from mentor_camera.cameras.realsense import RealSenseCamera

BRIGHTNESS_TOLERANCE = 0.1
"""Share by which the pictures may become brighter or darker when the exposure is locked."""
DARK = 3.0
"""Difference of brightness, of 255, that means nothing in dark pictures."""
SETTLING = 0.5
"""Seconds until new settings are in every frame; librealsense's users measured up to 0.45 s."""
COMPARED = 5
"""Pictures before and after the lock whose mean brightness is compared."""


class WarmUp:
    """Holds a camera's pictures back until its settings are locked.

    While the camera chooses its exposure, librealsense may report a value that is not in effect.
    Locking that value changes the pictures, which is found by their brightness.

    Args:
        camera: just opened, with settings that can be locked.
        seconds: in which exposure, gain and white balance settle.
        now: monotonic clock, seconds.
    """

    def __init__(self, camera: RealSenseCamera, seconds: float, now: float) -> None:
        assert camera.image_settings is not None
        self._camera = camera
        self._compares = camera.image_settings.chooses_exposure
        self._settled_at = now + seconds
        self._before: deque[float] = deque(maxlen=COMPARED)
        self._after: list[float] = []
        self.locked: dict[str, float] | None = None
        """What was locked, by name; None before."""
        self.change = ""
        """How the lock has changed the pictures; empty: it has not."""

    def over(self, pixels: npt.NDArray[np.uint8], now: float) -> bool:
        """Take the next picture; return whether the pictures after it may be used.

        Args:
            pixels: (height, width, 3) RGB.
            now: monotonic clock, seconds.

        Raises:
            CameraSilent: the camera was unplugged.
        """
        if self.locked is None:
            self._before.append(float(pixels.mean()))
            if now < self._settled_at:
                return False
            self.locked = self._camera.lock()
            self._settled_at = now + SETTLING
            return not self._compares
        if now < self._settled_at:
            return False
        self._after.append(float(pixels.mean()))
        if len(self._after) < COMPARED:
            return False
        self.change = self._found_change()
        return True

    def _found_change(self) -> str:
        before, after = float(np.mean(self._before)), float(np.mean(self._after))
        if abs(after - before) <= max(BRIGHTNESS_TOLERANCE * before, DARK):
            return ""
        name = self._camera.name
        return (
            f"camera '{name}' (serial {self._camera.serial}): mean brightness {before:.0f} of 255 "
            f"before exposure and gain were locked, {after:.0f} after: the values that it reported "
            f"were not in effect, or the light changed; set exposure and gain in the cell file "
            f"(cameras.{name})"
        )
