"""Image messages become the arrays that they say, whatever their encoding, step and byte order."""

from __future__ import annotations

import tracemalloc
from array import array
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sensor_msgs.msg import Image

from mentor_common.messages.images import (
    ImageError,
    array_to_image,
    image_to_array,
    image_to_rgb,
    resize,
    stack_planes,
    unstack_planes,
)

RGB = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)
DEPTH = np.arange(30, dtype=np.uint16).reshape(6, 5) * 1000


def padded(message: Image, padding: int, last_row: bool = True) -> Image:
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, -1)
    wide = np.full((message.height, message.step + padding), 7, np.uint8)
    wide[:, : message.step] = rows
    raw = wide.tobytes()
    message.data = array("B", raw if last_row else raw[:-padding])
    message.step += padding
    return message


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "rgba8", "bgra8"])
def test_colours_come_out_as_rgb(encoding: str) -> None:
    order = {"r": 0, "g": 1, "b": 2}
    alpha = np.full((6, 5, 1), 255, np.uint8)
    planes = [alpha[..., 0] if c == "a" else RGB[..., order[c]] for c in encoding[:-1]]
    message = array_to_image(np.stack(planes, 2), encoding)
    assert np.array_equal(image_to_rgb(message), RGB)
    assert np.array_equal(image_to_rgb(padded(message, 11)), RGB)


def test_grey_becomes_three_equal_planes() -> None:
    rgb = image_to_rgb(array_to_image(RGB[..., 0], "mono8"))
    assert rgb.shape == (6, 5, 3) and all(
        np.array_equal(rgb[..., i], RGB[..., 0]) for i in range(3)
    )


@pytest.mark.parametrize(
    ("encoding", "order"),
    [("uyvy", "uyvy"), ("yuv422", "uyvy"), ("yuyv", "yuyv"), ("yuv422_yuy2", "yuyv")],
)
@pytest.mark.parametrize("last_row", [True, False])
def test_pixel_pairs_that_share_their_colour_come_out_as_rgb(
    encoding: str, order: str, last_row: bool
) -> None:
    """BT.601 in studio range, as V4L2 cameras have it: luma 81 and 41 with these chroma values."""
    pairs = np.array([[{"y": 81, "u": 90, "v": 240}[c] for c in order]] * 2 * 3, np.uint8)
    pairs[3:] = [{"y": 41, "u": 240, "v": 110}[c] for c in order]
    message = array_to_image(pairs.reshape(2, 6, 2), encoding)
    assert message.step == 12
    for read in (image_to_rgb(message), image_to_rgb(padded(message, 5, last_row))):
        assert read.shape == (2, 6, 3) and read.flags.c_contiguous
        assert abs(read[0].astype(int) - [255, 0, 0]).max() <= 2
        assert abs(read[1].astype(int) - [0, 0, 255]).max() <= 2


def test_sizes_that_contradict_the_data_of_pixel_pairs_are_refused() -> None:
    def refused(**change: int) -> str:
        message = array_to_image(np.zeros((2, 6, 2), np.uint8), "yuv422_yuy2")
        for name, value in change.items():
            setattr(message, name, value)
        with pytest.raises(ImageError) as error:
            image_to_rgb(message)
        return str(error.value)

    assert refused(step=11) == "image step is 11 bytes, 6 pixels of yuv422_yuy2 need 12"
    assert refused(height=3) == "image data holds 24 bytes, 3 rows of 12 bytes were announced"
    assert refused(width=5, step=12) == "image is 5 pixels wide, yuv422_yuy2 needs even width"


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("padding", [0, 6, 7])
@pytest.mark.parametrize("last_row", [True, False])
def test_depth_survives_byte_order_and_padding(big: bool, padding: int, last_row: bool) -> None:
    message = array_to_image(DEPTH, "16UC1")
    message.data = array("B", DEPTH.astype(">u2" if big else "<u2").tobytes())
    message.is_bigendian = int(big)
    if padding:
        message = padded(message, padding, last_row)
    read = image_to_array(message)
    assert read.dtype == np.uint16 and read.dtype.isnative and np.array_equal(read, DEPTH)


@settings(max_examples=60)
@given(
    encoding=st.sampled_from(["rgb8", "mono16", "32FC1", "32FC3", "8UC4", "64FC2", "16SC1"]),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_every_array_comes_back_as_it_went(
    encoding: str, height: int, width: int, seed: int
) -> None:
    types: dict[str, tuple[Any, int]] = {
        "rgb8": (np.uint8, 3), "mono16": (np.uint16, 1), "32FC1": (np.float32, 1),
        "32FC3": (np.float32, 3), "8UC4": (np.uint8, 4), "64FC2": (np.float64, 2),
        "16SC1": (np.int16, 1),
    }  # fmt: skip
    dtype, channels = types[encoding]
    shape = (height, width, channels) if channels > 1 else (height, width)
    pixels = (np.random.default_rng(seed).random(shape) * 200).astype(dtype)
    assert np.array_equal(image_to_array(array_to_image(pixels, encoding)), pixels)


def test_unknown_encodings_are_refused_by_name() -> None:
    message = array_to_image(RGB, "rgb8")
    message.encoding = "nv21"
    with pytest.raises(ImageError, match="'nv21' is unknown; known: "):
        image_to_array(message)
    with pytest.raises(ImageError, match="'16UC1' is no 8-bit colour"):
        image_to_rgb(array_to_image(DEPTH, "16UC1"))
    with pytest.raises(ImageError, match="is not rgb8"):
        array_to_image(RGB.astype(np.float32), "rgb8")


def test_sizes_that_contradict_the_data_are_refused() -> None:
    for change in ({"step": 14}, {"height": 7}, {"height": 5}, {"width": 6}, {"height": 0}):
        message = array_to_image(RGB, "rgb8")
        for name, value in change.items():
            setattr(message, name, value)
        with pytest.raises(ImageError):
            image_to_array(message)


def test_resizing_averages_areas_and_leaves_84x84_alone() -> None:
    board = np.kron(np.array([[0, 200], [100, 50]], np.uint8), np.ones((84, 84), np.uint8))
    small = resize(np.repeat(board[..., None], 3, 2), 2, 2)
    assert small[..., 0].tolist() == [[0, 200], [100, 50]]
    checks = (np.indices((168, 168)).sum(0) % 2 * 200).astype(np.uint8)
    assert (resize(np.repeat(checks[..., None], 3, 2), 84, 84) == 100).all()
    same = np.zeros((84, 84, 3), np.uint8)
    assert resize(same, 84, 84) is same


def test_planes_hold_frames_in_order_and_channels_within() -> None:
    frames = [RGB, 255 - RGB]
    planes = stack_planes(frames)
    assert planes.shape == (6, 6, 5) and planes.flags.c_contiguous
    assert np.array_equal(planes[3], 255 - RGB[..., 0])
    assert np.array_equal(unstack_planes(planes), np.stack(frames))


def test_an_image_that_announces_a_gigabyte_a_row_takes_no_such_memory() -> None:
    message = Image(height=1, width=1, step=2**30, encoding="rgb8", data=array("B", [1, 2, 3]))
    tracemalloc.start()
    try:
        assert image_to_rgb(message).tolist() == [[[1, 2, 3]]]
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
