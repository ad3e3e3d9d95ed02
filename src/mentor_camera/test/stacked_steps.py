"""The stacker, which joins motions and frames, as a user of the suite of the join."""

from __future__ import annotations

import numpy as np
from join_suite import Key

from mentor_camera.stacking.stacker import MotionTimes, Stack, Stacker
from mentor_common.messages.frames import FrameLayout

SECOND = 10**9
BLACK = np.zeros((8, 8, 3), np.uint8)


class StackedSteps:
    """A stacker with one camera; each step has ten seconds of its own."""

    parts = ("motion", "frames")
    ahead = "topic"
    remembers = False

    def __init__(self) -> None:
        self.stacker = Stacker(FrameLayout(("side",), 3, 8, 8, stacked=False))
        self.places: dict[Key, int] = {}

    def begin(self, episode: int) -> None:
        pass

    def give(self, part: str, episode: int, step: int) -> None:
        place = self.places.setdefault((episode, step), 10 * SECOND * len(self.places))
        motion = MotionTimes(episode, step, place, place + SECOND)
        if part == "motion":
            self.stacker.add_motion(motion, now=0.0)
            return
        for time_ns in motion.wanted_ns:
            self.stacker.add_image("side", time_ns, BLACK)

    def left(self) -> list[Key]:
        results = self.stacker.collect(0.0)
        assert all(isinstance(result, Stack) for result in results)
        return [(result.motion.episode, result.motion.step) for result in results]

    def dropped(self) -> int:
        counts = self.stacker.counts
        return counts.duplicates + counts.strays + self.stacker.rings["side"].duplicates // 3

    def waiting(self) -> int:
        return len(self.stacker.pending)

    def restart(self) -> None:
        self.stacker = Stacker(FrameLayout(("side",), 3, 8, 8, stacked=False))
