"""How a node subscribes to the images of cameras, and reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from rclpy.clock import JumpThreshold
from rclpy.duration import Duration
from sensor_msgs.msg import CompressedImage, Image

from mentor_common.messages import topics
from mentor_common.messages.experience import ExperienceError, checked_nanoseconds
from mentor_common.messages.image_reader import ImageReader
from mentor_common.messages.images import ImageError
from mentor_common.messages.topics import Topic
from mentor_common.node.cell_node import CellNode
from mentor_common.node.parameters import Param

CAMERA_PARAMETERS = (
    Param(
        "image_reliability", "str", "best_effort",
        "how images are subscribed to: best_effort as sensor data are (real cameras), reliable "
        "where no frame may be lost and the cameras offer it (a twin in lockstep)",
        choices=("best_effort", "reliable"), read_only=True,
    ),
    Param(
        "image_transport", "str", "raw",
        "raw, or compressed: JPEG or PNG as image_transport publishes it, on "
        "<image topic>/compressed",
        choices=("raw", "compressed"), read_only=True,
    ),
    Param(
        "max_age", "float", 1.0,
        "seconds: images that are older when they arrive are refused; 0, and under simulated "
        "time: no limit",
        low=0.0, high=60.0,
    ),
    Param(
        "max_future", "float", 0.1,
        "seconds: images that are stamped further in the future are refused, as they "
        "were not taken at that time; 0, and under simulated time: no limit",
        low=0.0, high=60.0,
    ),
)  # fmt: skip
"""Parameters of every node that reads images."""


def compressed_images(raw: Topic) -> Topic:
    """Return the topic on which image_transport publishes the same images as JPEG or PNG."""
    return replace(raw, name=f"{raw.name}/compressed", type=CompressedImage)


class CameraImages:
    """Reads images as a node's ``CAMERA_PARAMETERS`` ask for it.

    Args:
        node: declares the parameters.
        forget: drops the images that are kept. It is called when a simulated clock was set back, as
            by a twin that is started again: the images of the two clocks could not be told apart.
    """

    def __init__(self, node: CellNode, forget: Callable[[], None]) -> None:
        self._node, self._forget = node, forget
        self._reader = ImageReader()
        self._simulated_time = bool(node.get_parameter("use_sim_time").value)
        if self._simulated_time:
            backward = JumpThreshold(
                min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=False
            )
            self._jump = node.get_clock().create_jump_callback(
                backward, post_callback=lambda _: self._clock_was_set_back()
            )

    def close(self) -> None:
        """Watch the clock no longer."""
        if self._simulated_time:
            self._jump.unregister()

    def _clock_was_set_back(self) -> None:
        self._node.get_logger().warning("the clock was set back: all images are dropped")
        self._forget()

    def topic(self, camera: str) -> Topic:
        """Return the topic on which the images of a camera come."""
        topic = topics.camera_image(camera)
        if self._node.text("image_transport") == "compressed":
            topic = compressed_images(topic)
        if self._node.text("image_reliability") == "reliable":
            topic = replace(topic, qos=topics.LOSSLESS_IMAGE_QOS)
        return topic

    def read(self, message: Image | CompressedImage) -> tuple[int, npt.NDArray[np.uint8]]:
        """Return an image's stamp, nanoseconds, and its pixels, (height, width, 3) RGB.

        Raises:
            ImageError: its stamp is none, or this machine's clock cannot confirm it; it is no 8-bit
                colour or grey image, or it is damaged.
        """
        try:
            stamp = checked_nanoseconds(message.header.stamp, "an image")
        except ExperienceError as error:
            raise ImageError(str(error)) from error
        if wrong := self.wrong_clock("an image", stamp):
            raise ImageError(wrong)
        return stamp, self._reader.rgb(message)

    def wrong_clock(self, what: str, stamp: int) -> str:
        """Return why this machine's clock cannot confirm a stamp; empty: it can.

        Args:
            what: what carries the stamp.
            stamp: nanoseconds of ROS time.
        """
        if self._simulated_time:
            return ""  # one simulated clock cannot differ from itself
        node = self._node
        age = (node.get_clock().now().nanoseconds - stamp) / 1e9
        for offset, name, when in (
            (age, "max_age", "old"), (-age, "max_future", "in the future")
        ):  # fmt: skip
            if 0.0 < node.number(name) < offset:
                return (
                    f"{what} is {offset:.3f} s {when} by this machine's clock, {name} is "
                    f"{node.number(name):g} s; are the clocks synchronised?"
                )
        return ""
