"""A colour stream through librealsense: from a device, a recording, or a simulated device.

The same code reads all three, so that what a rehearsal and the tests show is what a D435 gets.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mentor_camera.cameras.frame import (
    CameraError,
    CameraMissing,
    CameraRefused,
    CameraSilent,
    Frame,
    Intrinsics,
)
from mentor_camera.cameras.image_settings import ImageSettings
from mentor_camera.cameras.simulated_device import SimulatedDevice
from mentor_common.cell.cell_file import CameraCell
from mentor_common.cell.frame_feed import FeedClosed
from mentor_common.cell.hardware_library import hardware_library
from mentor_common.tasks.cameras import Camera, Crop

DEVICE = "device"
FEED = "feed:"
"""Prefix of a source that is the path of a frame feed's socket."""
RECORDINGS = (".db3", ".bag")
_TEMPERATURES = ("asic_temperature", "temperature", "projector_temperature")


class RealSenseCamera:
    """One camera; :meth:`open` and :meth:`close` as often as it is unplugged.

    librealsense raises RuntimeError for a device that is gone; methods raise CameraError instead.

    Args:
        camera: camera of the task: what is captured, and which region of it is kept.
        settings: serial number, exposure, gain and white balance.
        source: ``device``, ``feed:PATH``, or the path of a recording (.db3, .bag).
        real_time: whether a recording is played at the pace at which it was made, over and over.

    Raises:
        HardwareLibraryMissing: pyrealsense2 is not installed.
        CameraRefused: the source is none of these.
    """

    def __init__(
        self,
        camera: Camera,
        settings: CameraCell,
        source: str = DEVICE,
        *,
        real_time: bool = True,
    ) -> None:
        self._rs = hardware_library("pyrealsense2", "pyrealsense2")
        self.camera, self.settings, self.source = camera, settings, source
        self.name = camera.name
        self.is_recording = source.endswith(RECORDINGS)
        if not (source == DEVICE or source.startswith(FEED) or self.is_recording):
            raise CameraRefused(
                f"camera '{self.name}': source '{source}' is none of: {DEVICE}, {FEED}PATH, or a "
                f"recording that ends in {' or '.join(RECORDINGS)}"
            )
        self._real_time = real_time
        self._pipeline: Any = None
        self._simulated: SimulatedDevice | None = None
        self._device: Any = None
        self._shift_ns: int | None = None
        self.serial = ""
        self.image_settings: ImageSettings | None = None
        self.intrinsics: Intrinsics | None = None

    def open(self) -> None:
        """Start the stream.

        Raises:
            CameraMissing: the camera is not connected; the message lists those that are.
            CameraRefused: it has no such profile, or a setting is out of its range.
        """
        self.close()
        self._shift_ns = None
        config = self._rs.config()
        pipeline = self._rs.pipeline()
        if self.is_recording:
            if not Path(self.source).exists():
                raise CameraMissing(f"camera '{self.name}': no recording at {self.source}")
            config.enable_device_from_file(self.source, self._real_time)
        else:
            device = self._find()
            pipeline.set_device(device)
            self._enable_stream(config)
        try:
            started = pipeline.start(config)
        except RuntimeError as error:
            self.close()
            raise CameraRefused(f"camera '{self.name}' {self._asked()}: {error}") from error
        self._pipeline, self._device = pipeline, started.get_device()
        try:
            self._set_up(started)
        except CameraError:
            self.close()
            raise
        except (ValueError, RuntimeError) as error:
            self.close()
            raise CameraRefused(f"camera '{self.name}': {error}") from error
        if self._simulated is not None:
            self._simulated.start()

    def read(self, timeout: float) -> Frame:
        """Return the next frame.

        Args:
            timeout: seconds of wall time to wait for it.

        Raises:
            CameraSilent: none came, or the camera was unplugged.
            CameraRefused: it is no frame of the profile, or carries the camera's own clock.
        """
        if self._pipeline is None:
            raise CameraSilent(f"camera '{self.name}' is not open")
        with self._answering():
            come, frames = self._pipeline.try_wait_for_frames(round(1000 * timeout))
            if not come:
                raise CameraSilent(f"camera '{self.name}' has sent no frame for {timeout:g} s")
            if not self._device.is_connected():
                # librealsense has started the stream again by itself, without our settings.
                raise CameraSilent(f"camera '{self.name}' was unplugged and plugged in again")
            frame = frames.get_color_frame()
            if not frame:
                raise CameraSilent(f"camera '{self.name}' sends frames without colour")
            if self.image_settings is not None and not self.image_settings.locked:
                self.image_settings.see(frame)
            try:
                pixels = self.camera.cropped(np.asanyarray(frame.get_data()))
            except ValueError as error:
                raise CameraRefused(str(error)) from error
            # A copy: librealsense reuses its buffers.
            return Frame(self._stamp(frame), int(frame.get_frame_number()), pixels.copy())

    def lock(self) -> dict[str, float]:
        """Lock exposure, gain and white balance; return those that the camera has.

        Raises:
            CameraSilent: the camera was unplugged, or is not open.
        """
        if self.image_settings is None:
            raise CameraSilent(f"camera '{self.name}' is not open, or is a recording")
        with self._answering():
            return self.image_settings.lock()

    def close(self) -> None:
        """Stop the stream and release the device."""
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            # librealsense stops a pipeline by itself when its device is unplugged; a second stop
            # is an error.
            with contextlib.suppress(RuntimeError):
                pipeline.stop()
        simulated, self._simulated = self._simulated, None
        if simulated is not None:
            simulated.close()
        self._device = self.image_settings = None

    def description(self) -> str:
        """Return model, serial, firmware and USB connection of the open device."""
        if self._device is None:
            return "not open"
        kinds = ("name", "serial_number", "firmware_version", "usb_type_descriptor")
        found = [
            f"{kind.split('_')[0]} {self._device.get_info(info)}"
            for kind in kinds
            if self._device.supports(info := getattr(self._rs.camera_info, kind))
        ]
        return ", ".join(found)

    def temperature(self) -> float | None:
        """Return the device's temperature in degrees Celsius; None if it does not report one."""
        if self._device is None:
            return None
        # Whether an unplugged camera has to be opened again is decided by its frames.
        with contextlib.suppress(RuntimeError):
            for sensor in self._device.query_sensors():
                for name in _TEMPERATURES:
                    option = getattr(self._rs.option, name, None)
                    if option is not None and sensor.supports(option):
                        return float(sensor.get_option(option))
        return None

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        """Turn librealsense's errors into CameraSilent."""
        try:
            yield
        except CameraError:
            raise
        except RuntimeError as error:
            raise CameraSilent(f"camera '{self.name}' does not answer: {error}") from error

    def _find(self) -> Any:
        """Return the device with the serial number that the cell file names."""
        try:
            devices = self._connected()
        except FeedClosed as error:
            raise CameraMissing(f"camera '{self.name}': {error}") from error
        except RuntimeError as error:
            raise CameraMissing(
                f"camera '{self.name}': the connected cameras cannot be listed: {error}"
            ) from error
        wanted, serials = self.settings.serial, ", ".join(devices) or "none"
        if wanted and wanted not in devices:
            self.close()
            raise CameraMissing(
                f"camera '{self.name}': serial {wanted} is not connected; connected: {serials}"
            )
        if not wanted and len(devices) != 1:
            self.close()
            raise CameraMissing(
                f"camera '{self.name}': no serial is given and {len(devices)} cameras are "
                f"connected ({serials}); name it in the cell file"
            )
        self.serial = wanted or next(iter(devices))
        return devices[self.serial]

    def _connected(self) -> dict[str, Any]:
        """Return the devices by serial number. Raises: FeedClosed, RuntimeError."""
        if self.source.startswith(FEED):
            self._simulated = SimulatedDevice(self._rs, Path(self.source[len(FEED) :]))
            devices = [self._simulated.device]
        else:
            devices = list(self._rs.context().query_devices())
        info = self._rs.camera_info.serial_number
        return {device.get_info(info): device for device in devices if device.supports(info)}

    def _enable_stream(self, config: Any) -> None:
        """Ask for the task's profile; a simulated camera may draw no more than the region used."""
        asked: Any = self.camera if self._simulated is None else self._simulated.header
        config.enable_stream(
            self._rs.stream.color, asked.width, asked.height, self._rs.format.rgb8,
            round(asked.rate),
        )  # fmt: skip

    def _asked(self) -> str:
        camera = self.camera
        return f"(serial {self.serial}, {camera.width}x{camera.height} at {camera.rate:g} Hz)"

    def _set_up(self, started: Any) -> None:
        stream = started.get_stream(self._rs.stream.color).as_video_stream_profile()
        model = stream.get_intrinsics()
        crop = self.camera.crop
        if crop is None or (model.width, model.height) != (self.camera.width, self.camera.height):
            crop = Crop(0, 0, model.width, model.height)
        self.intrinsics = Intrinsics(
            crop.width, crop.height, model.fx, model.fy, model.ppx - crop.x, model.ppy - crop.y,
            tuple(model.coeffs),
        )  # fmt: skip
        if self.is_recording:
            self._device.as_playback().set_real_time(self._real_time)
            return
        option = self._rs.option.global_time_enabled
        for sensor in self._device.query_sensors():
            if sensor.supports(option):
                sensor.set_option(option, 1.0)
        colour = self._colour_sensor()
        self.image_settings = ImageSettings(self._rs, colour, self.settings)
        self.image_settings.begin()

    def _colour_sensor(self) -> Any:
        for sensor in self._device.query_sensors():
            if any(p.stream_type() == self._rs.stream.color for p in sensor.get_stream_profiles()):
                return sensor
        raise CameraRefused(f"camera '{self.name}' has no colour sensor")

    def _stamp(self, frame: Any) -> int:
        stamp_ns = round(frame.get_timestamp() * 1e6)
        if self.is_recording and self._real_time:
            # A recording plays now: its first frame is of this time, the rest keeps its distance.
            if self._shift_ns is None or stamp_ns + self._shift_ns < self._last_ns:
                self._shift_ns = time.time_ns() - stamp_ns
            self._last_ns = stamp_ns + self._shift_ns
            return self._last_ns
        domain = frame.get_frame_timestamp_domain()
        if not self.is_recording and domain == self._rs.timestamp_domain.hardware_clock:
            raise CameraRefused(
                f"camera '{self.name}' stamps its frames with its own clock, which nobody else "
                "has; enable global time (firmware and kernel with metadata support)"
            )
        return stamp_ns

    _last_ns = 0
