"""Steps for a ring that can be told from each other. Imports no torch: processes start at once."""

from __future__ import annotations

import numpy as np

from mentor_common.messages.frames import FrameLayout
from mentor_policy.replay import RingHeader, Step

LAYOUT = FrameLayout(("a",), 2, 12, 10, True)
HEADER = RingHeader(LAYOUT, 2, 0, 200, 40)


def picture(number: int) -> np.ndarray:
    """The frame of step ``number``: every run draws the same one."""
    return np.random.default_rng(number).integers(0, 256, (3, 12, 10), dtype=np.uint8)


def step_of(episode: int, step: int) -> Step:
    frames = np.concatenate([picture(max(0, step - 1)), picture(step)])
    action = np.full(2, step / 100, np.float32) if step else None
    return Step(episode, step, frames, action, float(step))
