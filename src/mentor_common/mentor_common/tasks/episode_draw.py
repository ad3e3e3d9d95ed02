"""What an episode samples from its seed: where it begins and where its workspace window lies.

The reset node and environments in the same process draw here, so that one seed gives the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mentor_common.tasks.task import Task

Float32 = npt.NDArray[np.float32]
STREAM = 0x57A27
"""Sets these random numbers apart from all others generated from the same seed."""


@dataclass(frozen=True)
class EpisodeDraw:
    """What was sampled for one episode.

    Args:
        start: where the end effector begins, normalised, (axes,) float32; inside the window.
        window_offset: by which the bounds of the workspace are moved, normalised, (axes,) float32.
        seed: seed of further draws of the same episode, e.g. by its reset routine.
        drawn_from: seed that gives the same draws again, also where none was asked for.
    """

    start: Float32
    window_offset: Float32
    seed: int
    drawn_from: int


class EpisodeDraws:
    """Draws episode after episode.

    Args:
        task: task whose ``reset.start`` and ``window_offset`` bound them.
    """

    def __init__(self, task: Task) -> None:
        names = task.workspace.names
        self._start = np.array([task.reset.start[name] for name in names]).T
        self._offset = np.array([task.window_offset[name] for name in names]).T
        self._random = np.random.default_rng()

    def draw(self, seed: int | None = None) -> EpisodeDraw:
        """Return the draws of the next episode; ``seed`` begins a new sequence.

        Without a seed the sequence draws one itself, so that each episode can be drawn again alone.
        """
        if seed is None:
            seed = int(self._random.integers(1, 2**63))
        self._random = np.random.default_rng([seed, STREAM])
        start = self._random.uniform(*self._start).astype(np.float32)
        offset = self._random.uniform(*self._offset).astype(np.float32)
        start = np.clip(start, np.float32(-1.0) + offset, np.float32(1.0) + offset)
        return EpisodeDraw(start, offset, int(self._random.integers(2**63)), seed)
