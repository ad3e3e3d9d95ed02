"""Node: one RealSense camera, cropped colour images out."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import ClassVar

from sensor_msgs.msg import CameraInfo

from mentor_camera.cameras.frame import CameraError, Frame, Intrinsics
from mentor_camera.cameras.frame_watch import FrameWatch
from mentor_camera.cameras.realsense import DEVICE, FEED, RealSenseCamera
from mentor_camera.cameras.warm_up import WarmUp
from mentor_common.cell.cell_file import find_cell
from mentor_common.cell.rehearsal_place import REHEARSAL, rehearsal_folder
from mentor_common.messages import topics
from mentor_common.messages.experience import nanoseconds_to_time
from mentor_common.messages.images import array_to_image, resize
from mentor_common.messages.qos import best_effort, reliable
from mentor_common.node import health
from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import TASK, Param
from mentor_common.node.running import main as run_node
from mentor_common.tasks.task import find_task

IMAGE_QOS = {"reliable": reliable(5), "best_effort": best_effort(5)}
"""By the parameter ``image_reliability``; RELIABLE matches every subscriber, RViz too."""
_TEMPERATURE_PERIOD = 5.0  # seconds between two readings; each is a transfer over USB
_SLOW = 0.8  # share of the asked rate below which the camera is reported as slow


class RealSenseCameraNode(CellNode):
    """Publishes the images of one camera of the task, and reconnects by itself.

    While the exposure settles (``warm_up``, and until it is seen to be locked) nothing is
    published: a policy must not learn from pictures that change by themselves.
    """

    NAME = "camera"
    PARAMETERS: ClassVar = (
        TASK,
        Param("camera", "str", "side", "name of the camera in the task", read_only=True),
        Param("cell_file", "str", "", "path of the cell file; empty: defaults", read_only=True),
        Param("serial_no", "str", "", "serial number of the device; empty: that of the cell file",
              read_only=True),
        Param("image_reliability", "str", "reliable",
              "QoS of the images and their camera_info: reliable, which matches any subscriber, or "
              "best_effort, which waits for none", choices=tuple(IMAGE_QOS), read_only=True),
        Param("source", "str", DEVICE,
              "device, rehearsal (the simulated camera of this cell's rehearsal), feed:PATH of "
              "another simulated camera, or the path of a recording (.db3, .bag)",
              read_only=True),
        Param("shrink", "bool", True,
              "publish images of the size at which they are used (that of the observation, or "
              "twice as much of a camera that the reward alone sees), instead of the region as it "
              "was captured", read_only=True),
        Param("warm_up", "float", 2.0,
              "seconds in which exposure, gain and white balance settle before they are locked",
              low=0.0, high=60.0, read_only=True),
        Param("frame_timeout", "float", 1.0, "seconds without a frame after which the camera is "
              "opened again", low=0.05, high=30.0, read_only=True),
        Param("reconnect_period", "float", 1.0, "seconds between two attempts to open the camera",
              low=0.1, high=60.0, read_only=True),
        Param("max_age", "float", 0.5,
              "seconds: frames that are older when they arrive are refused",
              low=0.01, high=10.0, read_only=True),
        Param("max_future", "float", 0.05,
              "seconds: frames that are stamped further in the future are refused",
              low=0.0, high=10.0, read_only=True),
    )  # fmt: skip

    def configure(self) -> None:
        """Check the library and the settings, and make the publishers."""
        name = self._camera_name = self.text("camera")
        cell = find_cell(self.text("cell_file"))
        task = find_task(self.text("task"))
        asked = cell.placed(task.camera(name), task.image_size(name))
        source = self.text("source")
        if source == REHEARSAL:
            source = f"{FEED}{rehearsal_folder(self.get_namespace()) / name}"
        settings = cell.camera(name)
        if serial := self.text("serial_no"):
            settings = replace(settings, serial=serial)
        self._camera = RealSenseCamera(asked, settings, source)
        self._size = task.image_size(name) if self.flag("shrink") else None
        self._watch = FrameWatch(self.number("max_future"), self.number("max_age"))
        self._frame_id = f"{name}_color_optical_frame"
        qos = IMAGE_QOS[self.text("image_reliability")]
        self._images = self.publisher(replace(topics.camera_image(name), qos=qos))
        self._infos = self.publisher(replace(topics.camera_info(name), qos=qos))
        self._info = CameraInfo()
        self._frames = self.health.rate(
            "frames", health.Limits(error_below=0.1, warn_below=_SLOW * asked.rate)
        )
        self._age = self.health.timing("age of frames")
        self._dropped = self.health.counter("dropped frames")
        self._refused = self.health.counter("refused frames")
        self._opened = self.health.counter("times opened")
        self._temperature = self.health.gauge("temperature", "C", health.Limits(warn_above=55.0))

    def activate(self) -> None:
        """Begin to open the camera."""
        self.start_worker("capture", self._live)

    def _live(self) -> None:
        reported = ""
        try:
            while not self.stopping.is_set():
                try:
                    self._camera.open()
                    self._opened.add()
                    self.get_logger().info(
                        f"camera '{self._camera_name}' is open (serial {self._camera.serial})"
                    )
                    reported = ""
                    self._stream()
                except CameraError as error:
                    period = self.number("reconnect_period")
                    self.health.problem("camera", health.ERROR, str(error))
                    if str(error) != reported:
                        reported = str(error)
                        self.get_logger().error(f"{error}; retrying every {period:g} s")
                    self.stopping.wait(period)
        finally:
            self._camera.close()

    def _stream(self) -> None:
        """Publish frames until the camera fails. Raises: CameraError."""
        self._watch.restart()
        assert self._camera.intrinsics is not None
        self._info = camera_info(self._camera.intrinsics.resized(self._size), self._frame_id)
        self._warm_up()
        measure = 0.0
        while not self.stopping.is_set():
            frame = self._camera.read(self.number("frame_timeout"))
            now = time.monotonic()
            self._pass_on(frame)
            if now >= measure:
                measure = now + _TEMPERATURE_PERIOD
                temperature = self._camera.temperature()
                if temperature is not None:
                    self._temperature.set(temperature)

    def _warm_up(self) -> None:
        """Wait until the settings are locked, and report what that changes. Raises: CameraError."""
        if self._camera.image_settings is None:
            return  # a recording
        warm_up = WarmUp(self._camera, self.number("warm_up"), time.monotonic())
        timeout = self.number("frame_timeout")
        while not warm_up.over(self._camera.read(timeout).pixels, time.monotonic()):
            if self.stopping.is_set():
                return
        locked = ", ".join(f"{name} {value:g}" for name, value in (warm_up.locked or {}).items())
        self.get_logger().info(f"locked {locked or 'nothing: it has no such option'}")
        if warm_up.change:
            self.health.problem("exposure", health.WARN, warm_up.change)
            self.get_logger().warning(warm_up.change)
        else:
            self.health.solved("exposure")

    def _pass_on(self, frame: Frame) -> None:
        now_ns = self.get_clock().now().nanoseconds
        reason = self._watch.refusal(frame.stamp_ns, frame.number, now_ns)
        self._dropped.add(self._watch.dropped - self._dropped.total)
        if reason:
            self._refused.add()
            text = f"camera '{self._camera_name}' (serial {self._camera.serial}): {reason}"
            self.health.problem("camera", health.ERROR, text)
            self.get_logger().error(text, throttle_duration_sec=5.0)
            return
        self.health.solved("camera")
        self._frames.add()
        self._age.took((now_ns - frame.stamp_ns) / 1e9)
        stamp = nanoseconds_to_time(frame.stamp_ns)
        pixels = frame.pixels if self._size is None else resize(frame.pixels, *self._size)
        self._images.publish(array_to_image(pixels, "rgb8", stamp, self._frame_id))
        if self._infos.get_subscription_count():
            self._info.header.stamp = stamp
            self._infos.publish(self._info)


def camera_info(intrinsics: Intrinsics, frame_id: str) -> CameraInfo:
    """Return the message of a pinhole model."""
    fx, fy, cx, cy = intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy
    message = CameraInfo(
        height=intrinsics.height, width=intrinsics.width, distortion_model="plumb_bob"
    )
    message.d = list(intrinsics.distortion)
    message.k = [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    message.header.frame_id = frame_id
    return message


def main() -> None:
    """Run the node; the entry point."""
    run_node(RealSenseCameraNode)


if __name__ == "__main__":
    main()
