"""Pictures for the page, as JPEG within foxglove.CompressedImage in JSON."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mentor_common.messages.images import ImageError

SCHEMA_NAME = "foxglove.CompressedImage"
SCHEMA = json.dumps(
    {
        "title": SCHEMA_NAME,
        "type": "object",
        "properties": {
            "timestamp": {
                "type": "object",
                "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}},
            },
            "frame_id": {"type": "string"},
            "data": {"type": "string", "contentEncoding": "base64"},
            "format": {"type": "string"},
        },
    }
)
QUALITY = 85
LARGEST = 65_500
"""Pixels of a side of a JPEG at most, as libjpeg has it."""


def jpeg(picture: npt.NDArray[np.uint8]) -> bytes:
    """Return a picture (height, width, 3) RGB as JPEG. Raises: ImageError: its size."""
    height, width = picture.shape[:2]
    if not 0 < min(height, width) <= max(height, width) <= LARGEST:
        raise ImageError(f"{width}x{height} pixels are no JPEG; a side has 1 to {LARGEST}")
    good, data = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    )
    assert good
    return data.tobytes()


def compressed(picture: npt.NDArray[np.uint8], stamp: Any, frame_id: str) -> bytes:
    """Return a picture as a message of ``SCHEMA``. Raises: ImageError: its size."""
    return json.dumps(
        {
            "timestamp": {"sec": stamp.sec, "nsec": stamp.nanosec},
            "frame_id": frame_id,
            "data": base64.b64encode(jpeg(picture)).decode(),
            "format": "jpeg",
        }
    ).encode()


def observation_sheet(message: Any) -> npt.NDArray[np.uint8]:
    """Return the frames of an observation: a row for each camera, time from left to right.

    Raises:
        ImageError: it has no pixels, or not as many as its shape needs.
    """
    shape = (len(message.cameras), message.frames, 3, message.height, message.width)
    if not 0 < math.prod(shape) == len(message.data):
        raise ImageError(
            f"observation data hold {len(message.data)} bytes; {shape[0]} camera(s) with "
            f"{message.frames} frame(s) of {message.width}x{message.height} pixels were announced"
        )
    pixels = np.frombuffer(message.data, np.uint8).reshape(shape)
    rows = pixels.transpose(0, 3, 1, 4, 2)
    return np.ascontiguousarray(
        rows.reshape(shape[0] * message.height, message.frames * message.width, 3)
    )
