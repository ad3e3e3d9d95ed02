"""Images of reward-only cameras in a cell: what of them is used, and a twin that starts again."""

from __future__ import annotations

import numpy as np
import pytest
from test_step_reader import COURT_TASK, SECOND, court_image, motion, observation

from mentor_common.cell.cell_file import parse_cell
from mentor_common.tasks.reward_model import RewardNeeds, StampedImage
from mentor_reward.steps.step_reader import StepReader

CELL = "name: mine\ncameras:\n  court: {crop: {x: 300, y: 100, width: 200, height: 200}}\n"
COURT_NEEDS = RewardNeeds(cameras=("court",))


def reader(cell: str = "name: mine") -> StepReader:
    """A reader for which history is over."""
    steps = StepReader(COURT_TASK, COURT_NEEDS, timeout=2.0, cell=parse_cell(cell, "mine.yaml"))
    add_step(steps, 0, episode=77, now=-9.0)
    steps.collect(-5.0)
    return steps


def add_step(steps: StepReader, step: int, episode: int = 1, now: float = 0.0) -> None:
    """Add the motion that ended at ``step`` seconds, and its observation."""
    steps.add_motion(motion(step, episode), now)
    steps.add_observation(observation(step, episode), now)


def test_a_capture_is_cropped_as_the_cell_says():
    capture = np.full((480, 640, 3), 200, np.uint8)
    capture[100:300, 300:500] = 7
    steps = reader(CELL)
    add_step(steps, 1)
    steps.add_image("court", StampedImage(SECOND, capture), 0.0)
    (step,) = steps.collect(0.0)
    (image,) = step.inputs.images["court"]
    assert image.pixels.shape == (200, 200, 3) and (image.pixels == 7).all()


def test_an_image_with_more_pixels_than_the_cell_s_region_is_refused():
    steps = reader(CELL)
    large = StampedImage(SECOND, np.zeros((240, 240, 3), np.uint8))
    with pytest.raises(ValueError, match="of which 200x200 are used"):
        steps.add_image("court", large, 0.0)


def test_a_crop_that_leaves_the_capture_is_refused_by_file_and_camera():
    with pytest.raises(ValueError, match=r"mine\.yaml: key 'cameras\.court\.crop'"):
        reader(CELL.replace("x: 300", "x: 500"))


def test_a_step_of_a_twin_that_starts_again_has_its_images():
    steps = reader()
    for number in range(100, 110):
        add_step(steps, number)
        for seconds in np.arange(number - 0.9, number + 0.05, 0.025):  # more than are kept
            steps.add_image("court", court_image(seconds), 0.0)
    assert len(steps.collect(0.0)) == 10
    add_step(steps, 1, episode=2)
    for seconds in (0.5, 1.0):
        steps.add_image("court", court_image(seconds), 0.0)
    (step,) = steps.collect(0.0)
    assert [image.stamp / SECOND for image in step.inputs.images["court"]] == [1.0]
