"""Which images of a reward-only camera belong to a motion."""

from __future__ import annotations

import numpy as np

from mentor_common.tasks.reward_model import StampedImage
from mentor_reward.steps.image_buffer import ImageBuffer

SECOND = 1_000_000_000


def court_image(seconds: float) -> StampedImage:
    return StampedImage(round(seconds * SECOND), np.zeros((168, 168, 3), np.uint8))


def test_images_are_kept_in_order_and_once() -> None:
    buffer = ImageBuffer(tolerance=SECOND, depth=3)
    for seconds in (2.0, 1.8, 1.8, 3.0, 4.0):
        buffer.add(court_image(seconds))
    found = buffer.between(0, 10 * SECOND) or buffer.between(0, 4 * SECOND)
    assert [image.stamp / SECOND for image in found] == [2.0, 3.0, 4.0]


def test_an_image_shortly_before_the_end_is_taken_though_the_next_one_is_too_late() -> None:
    buffer = ImageBuffer(tolerance=SECOND // 10)
    for seconds in (1.0, 1.95, 2.2):
        buffer.add(court_image(seconds))
    found = buffer.between(SECOND, 2 * SECOND)
    assert [image.stamp / SECOND for image in found] == [1.95]


def test_an_image_of_a_clock_that_was_set_back_drops_those_of_the_old_clock() -> None:
    buffer = ImageBuffer(tolerance=SECOND // 10, depth=3)
    for seconds in (1.2, 1.4, 1.6, 0.5, 1.0):
        buffer.add(court_image(seconds))
    assert not buffer.covers(2 * SECOND)
    found = buffer.between(0, SECOND)
    assert [image.stamp / SECOND for image in found] == [0.5, 1.0]


def test_an_image_that_comes_late_drops_no_other() -> None:
    buffer = ImageBuffer(tolerance=SECOND // 10)
    for seconds in (10.0, 10.5, 10.1):
        buffer.add(court_image(seconds))
    found = buffer.between(0, round(10.5 * SECOND))
    assert [image.stamp / SECOND for image in found] == [10.0, 10.1, 10.5]
