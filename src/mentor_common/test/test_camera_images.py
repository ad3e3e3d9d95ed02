"""Images of cameras, raw or compressed, with the stamps of this machine's clock or another's."""

import logging
import struct
import zlib
from collections.abc import Callable
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from rclpy.clock import ROSClock
from rclpy.qos import ReliabilityPolicy
from rclpy.time import Time
from sensor_msgs.msg import CompressedImage, Image

from mentor_common.messages.experience import nanoseconds_to_time
from mentor_common.messages.image_reader import compressed_to_rgb
from mentor_common.messages.images import ImageError, array_to_image
from mentor_common.node.camera_images import CAMERA_PARAMETERS, CameraImages

NOW = 1_000_000_000_000
SECOND = 1_000_000_000
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def simulated_clock() -> ROSClock:
    clock = ROSClock()
    clock._set_ros_time_is_active(True)
    return clock


def reading(
    use_sim_time=False, forget: Callable[[], None] = lambda: None, clock=None, **parameters
) -> CameraImages:
    values = {each.name: each.default for each in CAMERA_PARAMETERS} | parameters
    if clock is None and use_sim_time:
        clock = simulated_clock()
    clock = clock or SimpleNamespace(now=lambda: SimpleNamespace(nanoseconds=NOW))
    return CameraImages(
        SimpleNamespace(
            text=values.get,
            number=values.get,
            get_clock=lambda: clock,
            get_logger=lambda: logging.getLogger("test"),
            get_parameter=lambda _: SimpleNamespace(value=use_sim_time),
        ),
        forget,
    )


def raw(stamp: int) -> Image:
    return array_to_image(PIXELS, "rgb8", nanoseconds_to_time(stamp))


def test_images_are_asked_for_as_sensor_data_and_reliably_only_where_told():
    assert reading().topic("side").qos.reliability == ReliabilityPolicy.BEST_EFFORT
    reliable = reading(image_reliability="reliable").topic("side")
    assert reliable.qos.reliability == ReliabilityPolicy.RELIABLE
    assert (reliable.name, reliable.type) == ("camera/side/color/image_raw", Image)


def test_images_are_forgotten_when_a_simulated_clock_is_set_back_however_little():
    forgotten, clock = [], simulated_clock()
    images = reading(True, lambda: forgotten.append(clock.now().nanoseconds), clock)
    for seconds in (3.0, 3.5, 3.4, 4.0, 0.1, 0.2):
        clock.set_ros_time_override(Time(nanoseconds=round(seconds * SECOND)))
    images.close()
    clock.set_ros_time_override(Time(nanoseconds=1))
    assert forgotten == [round(3.4 * SECOND), SECOND // 10]


def test_compressed_images_have_the_topic_of_image_transport_and_the_same_pixels():
    images = reading(image_transport="compressed")
    topic = images.topic("side")
    assert topic.name == "camera/side/color/image_raw/compressed"
    message = topic.type(format="png")
    message.header.stamp = nanoseconds_to_time(NOW)
    message.data = cv2.imencode(".png", PIXELS[:, :, ::-1])[1].tobytes()
    stamp, pixels = images.read(message)
    assert stamp == NOW and np.array_equal(pixels, PIXELS)
    with pytest.raises(ImageError, match="no JPEG or PNG"):
        images.read(CompressedImage(header=message.header, data=b"nothing"))


def test_a_compressed_image_that_announces_billions_of_pixels_is_refused():
    header = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    part = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    message = CompressedImage(format="png", data=b"\x89PNG\r\n\x1a\n" + part + bytes(20))
    with pytest.raises(ImageError, match=r"compressed image \(53 bytes"):
        compressed_to_rgb(message)


def test_a_compressed_depth_image_is_no_picture():
    message = CompressedImage(format="16UC1; png compressed ", data=b"any")
    with pytest.raises(ImageError, match="depth is no RGB image"):
        compressed_to_rgb(message)


@pytest.mark.parametrize(
    ("stamp", "named"), [(NOW - 3 * SECOND, "old.*max_age"), (NOW + SECOND, "future.*max_future")]
)
def test_a_stamp_of_another_clock_is_refused_by_name_unless_there_is_one_simulated_clock(
    stamp, named
):
    with pytest.raises(ImageError, match=named):
        reading().read(raw(stamp))
    for images in (reading(use_sim_time=True), reading(max_age=0.0, max_future=0.0)):
        assert images.read(raw(stamp))[0] == stamp
