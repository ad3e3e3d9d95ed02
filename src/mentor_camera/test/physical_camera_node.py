"""The camera node, with a camera that does what librealsense's software device does not do.

So do a D435 and librealsense: when the device is gone, waiting for frames stops the pipeline; and
the exposure that the options report is not the one that the camera has chosen.
"""

from __future__ import annotations

from dataclasses import replace

from mentor_camera.cameras.frame import CameraSilent, Frame
from mentor_camera.cameras.realsense import RealSenseCamera
from mentor_camera.nodes import realsense_camera


class PhysicalCamera(RealSenseCamera):
    """Stops its pipeline when no frame comes; half as bright with the options' exposure."""

    def read(self, timeout: float) -> Frame:
        """Return the next frame."""
        try:
            frame = super().read(timeout)
        except CameraSilent:
            if self._pipeline is not None:
                self._pipeline.stop()
            raise
        automatic = self._colour_sensor().get_option(self._rs.option.enable_auto_exposure)
        return frame if automatic else replace(frame, pixels=frame.pixels // 2)


if __name__ == "__main__":
    realsense_camera.RealSenseCamera = PhysicalCamera  # type: ignore[misc]
    realsense_camera.main()
