"""Camera messages to pixels: raw or compressed, by cv_bridge where a distribution has it."""

from __future__ import annotations

import importlib
import os
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CompressedImage, Image

from mentor_common.messages.images import ImageError, image_to_rgb

UInt8 = npt.NDArray[np.uint8]


def distribution_cv_bridge() -> Any:
    """Return cv_bridge's converter where a ROS 2 distribution brings it, else None.

    The package of that name in Python's registry is ROS 1 code that fails on numpy 2, so it counts
    only where a distribution is sourced.
    """
    if not os.environ.get("ROS_DISTRO"):
        return None
    try:
        return importlib.import_module("cv_bridge").CvBridge()
    except ImportError:
        return None


class ImageReader:
    """Reads images of any camera as RGB."""

    def __init__(self) -> None:
        self._bridge = distribution_cv_bridge()

    def rgb(self, message: Image | CompressedImage) -> UInt8:
        """Return a message as (height, width, 3) uint8 RGB.

        Raises:
            ImageError: it is no 8-bit colour or grey image, or it is damaged.
        """
        if isinstance(message, CompressedImage):
            return compressed_to_rgb(message)
        if self._bridge is None:
            return image_to_rgb(message)
        try:
            return np.asarray(self._bridge.imgmsg_to_cv2(message, "rgb8"), np.uint8)
        except Exception as error:  # CvBridgeError, which exists only where cv_bridge does
            raise ImageError(str(error)) from error


def compressed_to_rgb(message: CompressedImage) -> UInt8:
    """Return a JPEG or PNG image as (height, width, 3) uint8 RGB. Raises: ImageError."""
    if "16UC1" in message.format or "compressedDepth" in message.format:
        raise ImageError(f"compressed image of format '{message.format}': depth is no RGB image")
    encoded = np.frombuffer(message.data, np.uint8)
    try:
        pixels = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if encoded.size else None
    except cv2.error as error:  # a damaged header announces billions of pixels
        raise ImageError(f"compressed image ({encoded.size} bytes): {error.err}") from error
    if pixels is None:
        raise ImageError(
            f"compressed image ({encoded.size} bytes, format '{message.format}') is no JPEG or PNG"
        )
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
