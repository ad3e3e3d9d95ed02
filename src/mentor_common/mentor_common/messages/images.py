"""sensor_msgs/Image to arrays and back, resizing, and the planar stacks of an observation."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from builtin_interfaces.msg import Time
from sensor_msgs.msg import Image

UInt8 = npt.NDArray[np.uint8]

_ENCODINGS: dict[str, tuple[type[np.generic], int]] = {
    "rgb8": (np.uint8, 3),
    "bgr8": (np.uint8, 3),
    "rgba8": (np.uint8, 4),
    "bgra8": (np.uint8, 4),
    "mono8": (np.uint8, 1),
    "mono16": (np.uint16, 1),
    "uyvy": (np.uint8, 2),
    "yuv422": (np.uint8, 2),
    "yuyv": (np.uint8, 2),
    "yuv422_yuy2": (np.uint8, 2),
    **{
        f"{bits}{kind}C{channels}": (dtype, channels)
        for bits, kind, dtype in (
            (8, "U", np.uint8),
            (8, "S", np.int8),
            (16, "U", np.uint16),
            (16, "S", np.int16),
            (32, "S", np.int32),
            (32, "F", np.float32),
            (64, "F", np.float64),
        )
        for channels in (1, 2, 3, 4)
    },
}
_COLOUR = {
    "rgb8": (0, 1, 2),
    "rgba8": (0, 1, 2),
    "bgr8": (2, 1, 0),
    "bgra8": (2, 1, 0),
    "mono8": (0, 0, 0),
    "8UC1": (0, 0, 0),
}
_YUV422 = {
    "uyvy": cv2.COLOR_YUV2RGB_UYVY,
    "yuv422": cv2.COLOR_YUV2RGB_UYVY,
    "yuyv": cv2.COLOR_YUV2RGB_YUY2,
    "yuv422_yuy2": cv2.COLOR_YUV2RGB_YUY2,
}
"""Encodings in which two neighbouring pixels share their colour, under both names of each."""


class ImageError(ValueError):
    """An image whose data do not fit its encoding or size."""


def image_to_array(message: Image) -> npt.NDArray[Any]:
    """Return the pixels as the message's encoding has them, in the machine's byte order.

    Returns: (height, width) for one channel, else (height, width, channels); a view on the
    message's buffer where no copy is needed.
    Raises: ImageError for an unknown encoding, or a size that contradicts the data.
    """
    encoding = message.encoding
    if encoding not in _ENCODINGS:
        raise ImageError(f"image encoding '{encoding}' is unknown; known: {sorted(_ENCODINGS)}")
    scalar, channels = _ENCODINGS[encoding]
    dtype = np.dtype(scalar)
    height, width, step = int(message.height), int(message.width), int(message.step)
    row = width * channels * dtype.itemsize
    if height < 1 or width < 1:
        raise ImageError(f"image is {width}x{height} pixels, must be at least 1x1")
    if step < row:
        raise ImageError(f"image step is {step} bytes, {width} pixels of {encoding} need {row}")
    raw = np.frombuffer(message.data, np.uint8)
    # The last row may come without its padding.
    if raw.size < step * (height - 1) + row or raw.size > step * height:
        raise ImageError(
            f"image data holds {raw.size} bytes, {height} rows of {step} bytes were announced"
        )
    if raw.size == step * height:
        rows = raw.reshape(height, step)[:, :row]
    else:  # nothing as large as the step is allocated: a stranger may announce gigabytes
        padded, last = raw[: step * (height - 1)], raw[step * (height - 1) :]
        rows = np.concatenate([padded.reshape(height - 1, step)[:, :row], last[None, :row]])
    if dtype.itemsize > 1:
        order = dtype.newbyteorder(">" if message.is_bigendian else "<")
        rows = np.ascontiguousarray(rows).view(order).astype(dtype, copy=False)
    return rows.reshape(height, width, channels) if channels > 1 else rows.reshape(height, width)


def image_to_rgb(message: Image) -> UInt8:
    """Return a colour or grey image as (height, width, 3) uint8 RGB, C-contiguous.

    Raises: ImageError for an encoding that is not 8-bit colour or grey, and for an odd width where
    two pixels share their colour.
    """
    encoding = message.encoding
    if encoding not in _COLOUR and encoding not in _YUV422:
        known = sorted({*_COLOUR, *_YUV422})
        raise ImageError(f"image encoding '{encoding}' is no 8-bit colour; known: {known}")
    pixels = image_to_array(message)
    if encoding in _YUV422:
        if pixels.shape[1] % 2:
            raise ImageError(f"image is {pixels.shape[1]} pixels wide, {encoding} needs even width")
        converted = cv2.cvtColor(np.ascontiguousarray(pixels), _YUV422[encoding])
        return np.asarray(converted, np.uint8)
    if pixels.ndim == 2:
        return np.repeat(pixels[:, :, None], 3, axis=2)
    if encoding == "rgb8":
        return np.ascontiguousarray(pixels)
    return np.ascontiguousarray(pixels[:, :, list(_COLOUR[encoding])])


def array_to_image(
    pixels: npt.NDArray[Any], encoding: str, stamp: Time | None = None, frame_id: str = ""
) -> Image:
    """Return an Image message of (height, width[, channels]) pixels.

    Raises: ImageError if the array's type or shape is not that of the encoding.
    """
    if encoding not in _ENCODINGS:
        raise ImageError(f"image encoding '{encoding}' is unknown; known: {sorted(_ENCODINGS)}")
    scalar, channels = _ENCODINGS[encoding]
    shape_fits = pixels.ndim in (2, 3) and (pixels.shape[2] if pixels.ndim == 3 else 1) == channels
    if pixels.dtype != scalar or not shape_fits:
        raise ImageError(
            f"array of {pixels.dtype} {pixels.shape} is not {encoding}: "
            f"{np.dtype(scalar)} (height, width, {channels})"
        )
    message = Image()
    message.height, message.width = int(pixels.shape[0]), int(pixels.shape[1])
    message.encoding = encoding
    message.is_bigendian = int(sys.byteorder == "big")
    message.step = message.width * channels * pixels.dtype.itemsize
    message.data = bytes_field(pixels)
    message.header.frame_id = frame_id
    if stamp is not None:
        message.header.stamp = stamp
    return message


def bytes_field(pixels: npt.NDArray[Any]) -> array[int]:
    """Return an array's bytes for a ``uint8[]`` field; 500 times faster than the array itself."""
    field = array("B")
    field.frombytes(np.ascontiguousarray(pixels).data.cast("B"))
    return field


def resize(pixels: UInt8, height: int, width: int) -> UInt8:
    """Resize (h, w, 3) to (height, width, 3) with area filtering; same size: same pixels."""
    if pixels.shape[:2] == (height, width):
        return pixels
    resized = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)


def stack_planes(frames: Sequence[UInt8]) -> UInt8:
    """Stack n frames (height, width, 3) in FrameLayout's order: planes (3 n, height, width)."""
    height, width = frames[0].shape[:2]
    planes = np.empty((3 * len(frames), height, width), np.uint8)
    for index, frame in enumerate(frames):
        planes[3 * index : 3 * index + 3] = frame.transpose(2, 0, 1)
    return planes


def unstack_planes(planes: UInt8) -> UInt8:
    """Return planes (3 n, height, width) as frames (n, height, width, 3); a view."""
    count, height, width = planes.shape
    if count % 3:
        raise ImageError(f"planes {planes.shape} are no RGB frames: {count} is not a multiple of 3")
    frames: UInt8 = planes.reshape(count // 3, 3, height, width).transpose(0, 2, 3, 1)
    return frames
