"""Writes the pictures of steps into files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import imageio.v2 as imageio

from mentor_common.files.atomic import replaced
from mentor_recorder.bags.steps import BagStep
from mentor_recorder.export.drawing import contact_sheet, step_picture


def write_sheet(step: BagStep, path: Path) -> None:
    """Write all frames of a step as a PNG.

    Raises:
        ValueError: the bag has no observation of the step.
        OSError: the file cannot be written.
    """
    picture = contact_sheet(step)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)):
        raise OSError(f"{path} cannot be written; its name must end in .png")


def write_film(steps: Sequence[BagStep], path: Path, frames_per_second: float) -> int:
    """Write an episode as an mp4, a picture a step; the file appears when it is complete.

    Returns:
        Pictures written; steps without an observation are left out.

    Raises:
        ValueError: no step has an observation.
        OSError: the file cannot be written.
    """
    seen = [step for step in steps if step.observation is not None]
    if not seen:
        raise ValueError("no step of the episode has an observation")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path, durably=False) as temporary:
        writer = imageio.get_writer(
            temporary, fps=frames_per_second, macro_block_size=2, codec="libx264"
        )
        try:
            for step in seen:
                writer.append_data(step_picture(step))
        finally:
            writer.close()
    return len(seen)
